// @ts-check
/** @import { Opened, Session } from './session.js' */
/** @import { Change } from './scene.js' */
/** @import { State, World } from './world.js' */

import { isSubsequence } from './calls/past.js'
import { Violation } from './outcomes.js'
import { sortedSource } from './scene.js'
import { source } from './source.js'
import { same } from './world.js'

/** How often the dictionaries catch up until they have the same version. */
const SYNCS = 5

/** `close` waits for the file for up to `timeout`, which a process may exceed that the machine stops for seconds; in ms. */
const SOON = 2_000

/** Checks what must be true at the end of a program, and closes everything. @param {Session} session */
export async function finish(session) {
  const open = session.opened.filter(one => one.open)
  if (session.common.migrates) for (const { dict, readOnly } of open) if (!readOnly) await dict.reencode()
  await settleVersions(open)
  const [first] = open
  if (first) await checkHistory(session, first)
  for (const { dict, name } of open) {
    if (dict.version !== first?.dict.version) fail(`${name} ends at another version than ${first?.name}`)
    if (!dict.health().ready || dict.health().reachable !== true) fail(`${name}.health() is ${source(dict.health())}`)
  }
  for (const one of session.opened) await close(session, one)
  await checkWatchers(session)
  for (const { snapshot, text } of session.scene.kept)
    if (sortedSource(session.scene.contentOf(snapshot)) !== text) fail(`A snapshot has changed: it was ${text}`)
  for (const [name, slot] of session.slots)
    if (slot.keepsFile && slot.wasClosedSoon) await checkFile(session, name, slot)
}

/** The last known file holds what memory held at the end. @param {Session} session @param {string} name @param {Opened} opened */
async function checkFile({ common, scene }, name, { dict }) {
  const entries = await scene.fileEntries(name)
  const wanted = [...dict.local.keys()].sort()
  if (!same([...entries.keys()].sort(), wanted))
    fail(`The file of ${name} has the keys ${source([...entries.keys()])}, not ${source(wanted)}`)
  if (common.migrates) return
  const encoding = new (common.rich ? scene.RichEncoding : scene.JSONEncoding)()
  for (const key of wanted) {
    const value = encoding.decode(/** @type {string} */ (entries.get(key)))
    if (!same(value, dict.local.get(key))) fail(`The file of ${name} has ${source(value)} under ${key}`)
  }
}

/** All have the same version soon: a write everywhere may make one more change after it has resolved, which only asks. @param {readonly Opened[]} open */
async function settleVersions(open) {
  for (let attempt = 0; attempt < SYNCS; attempt += 1) {
    for (const { dict, name } of open) await dict.sync().catch(error => fail(`${name}.sync() rejected: ${error}`))
    if (new Set(open.map(({ dict }) => dict.version)).size <= 1) return
  }
}

/** One of the worlds has the content and the history of the store. @param {Session} session @param {Opened} opened */
async function checkHistory(session, { dict }) {
  const { migrates, history } = session.common
  // A value that is rewritten has a commit of its own, which changes nothing.
  const isExpected = (/** @type {ReturnType<typeof plain>} */ { changes }) =>
    !migrates || [...changes.values()].some(({ before, after }) => !same(before, after))
  const agrees = (/** @type {unknown[]} */ some, /** @type {unknown[]} */ all) =>
    history === 'all' ? same(some, all) : history === 'none' ? some.length === 0 : isSubsequence(some, all)
  const content = new Map(dict.local)
  const stream = dict.history()
  const commits = (await session.scene.commitsOf(stream)).filter(isExpected)
  const worlds = session.worlds.filter(world => same(world.now, content))
  if (worlds.length === 0)
    fail(`The store ends with ${source([...content])}, not ${source([...(session.worlds[0]?.now ?? [])])}`)
  session.worlds = worlds.filter(world =>
    agrees(commits, world.states.slice(1).reverse().map(plain).filter(isExpected)),
  )
  if (session.worlds.length === 0)
    fail(`The history ends as ${source(commits)}, not ${source(worlds[0]?.states.slice(1).reverse().map(plain))}`)
  if (session.common.history === 'all' && stream.complete !== true) fail('The history claims that it is not complete')
}

/** @param {State} state */
const plain = ({ author, changes }) => ({ by: author.by, reason: author.reason, changes: new Map(changes) })

/** What a closed dictionary refuses. @type {readonly ((dict: Opened['dict']) => Promise<unknown>)[]} */
const REFUSED = [
  dict => dict.get('a'),
  dict => dict.set('a', 1),
  dict => dict.sync(),
  dict => dict.transact(() => 1),
  dict => dict.watch().next(),
]

/** @param {Session} session @param {Opened} opened */
async function close(session, opened) {
  const { compares, dict, events, name, open } = opened
  const start = performance.now()
  const outcomes = await Promise.all([dict.close(), dict.close()].map(closing => session.settle(closing)))
  opened.wasClosedSoon = performance.now() - start < SOON
  if (outcomes.some(outcome => 'error' in outcome)) fail(`${name}.close() rejected`)
  for (const call of REFUSED) {
    const outcome = await session.settle(call(dict))
    if (!('error' in outcome) || outcome.error.name !== 'ClosedError')
      fail(`A call on ${name} after close() did not reject with ClosedError`)
  }
  if (events.closes !== 1)
    fail(`${name} emitted "close" ${events.closes} times (it ${open ? 'was open' : 'had been closed'})`)
  if (events.reasons.includes('diverged')) fail(`${name} reports that the store went back`)
  const end = replay(`"change" of ${name}`, events.start, events.changes)
  if (!same(end, new Map(dict.local)))
    fail(`The "change" events of ${name} lead to ${source([...end])}, not ${source([...dict.local])}`)
  checkAuthors(session, events.changes, name, compares)
}

/**
 * Each change says who made it, unless it was found by a comparison: at intervals, or because a store forgot an author.
 * @param {Session} session @param {readonly Change[]} changes @param {string} name @param {boolean} compares
 */
function checkAuthors({ hasForgotten, worlds }, changes, name, compares) {
  if (compares || hasForgotten) return
  const isKnown =
    (/** @type {Change} */ { key, value, by, reason }) =>
    (/** @type {World} */ world) =>
      world.states.some(({ changes, author }) => {
        const change = changes.get(key)
        return (
          change &&
          same(change.after, value) &&
          (author.by === by || author.by === undefined) &&
          author.reason === reason
        )
      })
  for (const change of changes)
    if (!worlds.some(isKnown(change)))
      fail(`${name} was notified of ${source({ ...change, version: 0 })}, which nobody wrote`)
}

/** @param {Session} session */
async function checkWatchers({ scene, settle }) {
  for (const [
    index,
    { changes, controller, dict, done, fault, isBreaking, isCut, key, start },
  ] of scene.watchers.entries()) {
    // Nothing else would end it.
    if (isBreaking) controller.abort()
    const ended = await settle(done)
    const title = `watch ${index + 1}`
    if ('error' in ended) fail(`${title} did not end`)
    if (fault && /** @type {Error} */ (fault).name !== 'ClosedError') fail(`${title} failed: ${fault}`)
    if (key !== undefined && changes.some(change => change.key !== key)) fail(`${title} yielded another key`)
    const end = replay(title, start, changes)
    if (isCut || fault) continue
    const local = new Map(dict.local)
    const isComplete = key === undefined ? same(end, local) : same(end.get(key), local.get(key))
    if (!isComplete) fail(`${title} leads to ${source([...end])}, not ${source([...local])}`)
  }
}

/** Each change begins with what the one before it left. @param {string} title @param {ReadonlyMap<string, unknown>} start @param {readonly Change[]} changes */
function replay(title, start, changes) {
  const state = new Map(start)
  for (const { key, previous, value } of changes) {
    if (!same(state.get(key), previous))
      fail(`${title}: ${key} was ${source(state.get(key))}, and "previous" is ${source(previous)}`)
    if (value === undefined) state.delete(key)
    else state.set(key, value)
  }
  return state
}

/** @param {string} text @returns {never} */
function fail(text) {
  throw new Violation(text)
}
