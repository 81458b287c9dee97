// @ts-check
/** @import { Call } from './call.js' */
/** @import { Place } from '../expect.js' */
/** @import { State, World } from '../world.js' */
import fc from 'fast-check'
import { agrees, checkKey, Fault, failed, isClosed } from '../expect.js'
import { optionsSource, source } from '../source.js'
import { key } from '../values.js'
import { same } from '../world.js'
import { refusal, writeOptions, written } from './writes.js'

/** What `history()` says of a commit. @param {State} state */
const plain = ({ author, changes }) => ({
  by: author.by,
  reason: author.reason,
  changes: new Map(changes),
})

/** The commit that is this many before the newest. @param {World} world @param {number} back */
const commitAt = (world, back) => (back < world.last ? world.states[world.last - back] : undefined)

/** Whether these are some of the commits. @param {import('../expect.js').Outcome} outcome @param {World} world @param {import('../expect.js').Common} common */
function isPartOf(outcome, world, { history }) {
  if (!('value' in outcome)) return ['InvalidKeyError', 'ClosedError'].some(name => failed(outcome, name))
  const commits = /** @type {unknown[]} */ (outcome.value)
  return history === 'none' ? commits.length === 0 : isSubsequence(commits, world.states.slice(1).reverse().map(plain))
}

/** @param {readonly unknown[]} some @param {readonly unknown[]} all */
export function isSubsequence(some, all) {
  let at = 0
  for (const one of all) if (at < some.length && same(one, some[at])) at += 1
  return at === some.length
}

/** The fault of a call that names a commit. @param {Place} place @param {() => void} check */
const faultOf = ({ slot }, check) => {
  if (!slot.open) return 'ClosedError'
  try {
    check()
    return undefined
  } catch (fault) {
    return /** @type {Fault} */ (fault).name
  }
}

/** @type {Call[]} */
export const past = [
  {
    name: 'history',
    weight: 2,
    fields: { key: fc.option(key, { nil: undefined }), limit: fc.constantFrom(undefined, 1, 2) },
    code: (dict, { key, limit }) => `commitsOf(${dict}.history(${optionsSource({ key, limit }).slice(2)}))`,
    spec(world, call, place, outcome) {
      if (isClosed(place, outcome)) return [world]
      const { key, limit } = call
      if (place.common.history !== 'all') return isPartOf(outcome, world, place.common) ? [world] : []
      const fits = agrees(outcome, () => {
        if (key !== undefined) checkKey(place.common, key)
        if (!place.slot.open) throw new Fault('ClosedError')
        const commits = world.states.slice(1).filter(({ changes }) => key === undefined || changes.has(key))
        return commits.reverse().slice(0, limit).map(plain)
      })
      return fits ? [world] : []
    },
  },
  {
    name: 'historyBefore',
    weight: 2,
    alone: true,
    fields: { back: fc.nat({ max: 3 }), limit: fc.constantFrom(undefined, 1) },
    code: (dict, { back, limit }) =>
      `idAt(${dict}, ${back}).then(before => commitsOf(${dict}.history({ before${limit ? `, limit: ${limit}` : ''} })))`,
    spec(world, { back, limit }, place, outcome) {
      const commit = commitAt(world, back)
      const fault = faultOf(place, () => {
        if (!commit) throw new Fault('HistoryError')
      })
      if (fault) return failed(outcome, fault) ? [world] : []
      const older = world.states.slice(1, world.last - back).reverse()
      return agrees(outcome, () => older.slice(0, limit).map(plain)) ? [world] : []
    },
  },
  {
    name: 'at',
    weight: 2,
    alone: true,
    fields: { back: fc.nat({ max: 5 }) },
    code: (dict, { back }) => `idAt(${dict}, ${back}).then(async id => new Map(await ${dict}.at(id)))`,
    spec(world, { back }, place, outcome) {
      const commit = commitAt(world, back)
      const fault = faultOf(place, () => {
        if (!commit) throw new Fault('HistoryError')
      })
      if (fault) return failed(outcome, fault) ? [world.uncertain(place.slot.name)] : []
      return agrees(outcome, () => commit?.entries) ? [world.current(place.slot.name)] : []
    },
  },
  {
    name: 'atDate',
    weight: 1,
    alone: true,
    fields: { isFirst: fc.boolean() },
    code: (dict, { isFirst }) => `${dict}.at(new Date(${isFirst ? '0' : '8.64e15'})).then(state => new Map(state))`,
    spec(world, { isFirst }, place, outcome) {
      if (!place.slot.open) return failed(outcome, 'ClosedError') ? [world] : []
      return agrees(outcome, () => (isFirst ? new Map() : world.now)) ? [world.current(place.slot.name)] : []
    },
  },
  {
    name: 'revert',
    weight: 6,
    alone: true,
    fields: {
      back: fc.nat({ max: 5 }),
      keys: fc.constantFrom(undefined, undefined, ['a'], ['a', 'b']),
      force: fc.constantFrom(undefined, true),
      by: fc.constantFrom(undefined, 'carol'),
      everywhere: fc.constantFrom(undefined, undefined, undefined, 2),
    },
    code: (dict, call) =>
      `idAt(${dict}, ${call.back}).then(id => ${dict}.revert(id${writeOptions(call, { keys: call.keys, force: call.force })}))`,
    spec: revert,
  },
  {
    name: 'forget',
    weight: 1,
    alone: true,
    fields: { by: fc.constantFrom('ada', 'nobody') },
    code: (dict, { by }) => `${dict}.history.forget(${source({ by })})`,
    spec(world, { by }, place, outcome) {
      const refused = refusal(place, () => {})
      if (refused) return failed(outcome, refused) ? [world] : []
      const count = world.states.filter(({ author }) => author.by === by).length
      return agrees(outcome, () => count) ? [world.forget(by)] : []
    },
  },
]

/** @type {Call['spec']} */
function revert(world, call, place, outcome) {
  const { slot, common } = place
  const commit = commitAt(world, call.back)
  const changes = commit ? [...commit.changes].filter(([key]) => call.keys?.includes(key) ?? true) : []
  const later = world.states.slice(world.last - call.back + 1)
  const isChanged = changes.some(([key]) => later.some(one => one.changes.has(key)))
  const refused = refusal(place, () => {
    for (const key of call.keys ?? []) checkKey(common, key)
    if (!commit || changes.length < (call.keys?.length ?? 0)) throw new Fault('HistoryError')
    if (isChanged && !call.force) throw new Fault('ConflictError')
  })
  const moved = slot.open ? world.uncertain(slot.name) : world
  if (refused) return failed(outcome, refused) ? [moved] : []
  const work = (/** @type {import('../world.js').Edit} */ edit) => {
    for (const [key, { before }] of changes) {
      if (before === undefined) edit.delete(key)
      else edit.set(key, before)
    }
  }
  return written(world, call, place, outcome, work, () => undefined)
}
