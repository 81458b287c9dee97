// @ts-check
import { setTimeout as pause } from 'node:timers/promises'
import { isDeepStrictEqual } from 'node:util'
import { digest } from './digest.js'
import { audit } from './orders.js'
import { LiveTable } from './table.js'

/** @typedef {import('./stage.js').Dict} Dict */
/** @typedef {import('./stage.js').Stage} Stage */
/** @typedef {Awaited<ReturnType<Stage['start']>>} Player */

/** The changes, in order; `undefined` deletes. @type {readonly [key: string, value: unknown][]} */
const CHANGES = [
  ['theme', 'dark'],
  ['perPage', 50],
  ['checkout', { share: 0.1 }],
  ['checkout', { share: 1 }],
  ['currencies', ['EUR', 'CHF', 'JPY']],
  ['theme', 'light'],
  ['perPage', undefined],
  ['maintenance', false],
]

/** What somebody changes by hand, where the store follows that. @type {readonly [key: string, value: unknown]} */
const EDIT = ['maintenance', true]

/** Pauses between the changes, for viewers, in ms. */
const PAUSE = 250

/** How long the writer writes before it is killed, in ms: the minimum, and the most to add to it. */
const WRITING = [800, 400]

/**
 * @typedef {object} Scene
 * @property {Stage} stage
 * @property {import('./table.js').Output} output
 * @property {number} [bound] how soon every process must see a change, in ms. Default: 2,000
 * @property {readonly number[]} [promised] writes to expect besides those that the writer acknowledges
 */

/** Plays both acts and returns whether every check passed. @param {Scene} scene */
export async function tell(scene) {
  const say = (text = '') => scene.output.write(`${text}\n`)
  say(`One dictionary, shared by several processes. Store: ${scene.stage.title}.`)
  say()
  const readers = await Promise.all([1, 2, 3].map(number => scene.stage.start('./reader.js', `Reader ${number}`)))
  const seen = await changeSettings(scene, readers, say)
  const kept = await killWriter(scene, readers, say)
  say()
  say(seen && kept ? 'All checks passed.' : 'Some checks FAILED: see above.')
  return seen && kept
}

/**
 * The first act: this process changes settings, and the others see the changes.
 * @param {Scene} scene
 * @param {readonly Player[]} readers
 * @param {(text?: string) => void} say
 */
async function changeSettings({ stage, output, bound = 2_000 }, readers, say) {
  say('Three processes hold the dictionary in memory, and this one changes it. The table shows')
  say('when each write was durable, and when each process saw the new value.')
  say()
  const dict = await stage.open()
  const table = new LiveTable(output, [
    ['change', 32],
    ['written', 9],
    ...readers.map(({ role }) => /** @type {[string, number]} */ ([role.toLowerCase(), 9])),
  ])
  const delays = []
  for (const [key, value] of CHANGES) {
    const write = () => (value === undefined ? dict.delete(key) : dict.set(key, value))
    delays.push(...(await change({ key, value, write, title: titleOf(key, value) }, readers, table, bound)))
    await pause(PAUSE)
  }
  const { edit } = stage
  if (edit) {
    const [key, value] = EDIT
    const title = `${titleOf(key, value)}, by SQL`
    delays.push(...(await change({ key, value, write: () => edit(key, value), title }, readers, table, bound)))
  }
  await dict.close()
  const inTime = delays.filter(delay => delay <= bound).sort((left, right) => left - right)
  say()
  say(`Seen in time: ${inTime.length} of ${delays.length}. ${summary(inTime)}`.trim())
  return inTime.length === delays.length
}

/** @param {readonly number[]} sorted */
function summary(sorted) {
  if (sorted.length === 0) return ''
  return `Median ${ms(sorted[Math.floor(sorted.length / 2)])}, slowest ${ms(sorted.at(-1))}.`
}

/** @param {string} key @param {unknown} value */
function titleOf(key, value) {
  return value === undefined ? `${key} deleted` : `${key} = ${JSON.stringify(value)}`
}

/** @typedef {{ key: string, value: unknown, write: () => Promise<unknown>, title: string }} Change */

/**
 * Makes one change and returns the delay until each reader's memory had it, in ms.
 * @param {Change} change
 * @param {readonly Player[]} readers
 * @param {LiveTable} table
 * @param {number} bound
 */
async function change({ key, value, write, title }, readers, table, bound) {
  const fill = table.add(title)
  // On the clock that the processes share: see reader.js.
  const began = performance.timeOrigin + performance.now()
  const shown = write().then(() => fill(1, ms(performance.timeOrigin + performance.now() - began)))
  const delays = readers.map(async (reader, index) => {
    const seen = await reader.receive('seen', bound)
    const isIt = seen !== undefined && seen.key === key && isDeepStrictEqual(seen.value, value)
    const delay = isIt ? seen.at - began : Number.POSITIVE_INFINITY
    fill(index + 2, isIt ? ms(delay) : 'not seen')
    return delay
  })
  const [, ...times] = await Promise.all([shown, ...delays])
  return times
}

/**
 * The second act: a writer is killed while it writes.
 * @param {Scene} scene
 * @param {readonly Player[]} readers
 * @param {(text?: string) => void} say
 */
async function killWriter({ stage, bound = 2_000, promised = [] }, readers, say) {
  say()
  say('Now another process writes orders, each with its invoice, several at a time. It reports')
  say('every acknowledged write, until it is killed (SIGKILL) in the middle of its work.')
  say()
  const writer = await stage.start('./writer.js', 'The writer')
  for (const reader of readers) reader.ask('hush')
  const first = await writer.receive('acknowledged', 10_000)
  if (first === undefined) throw new Error('The writer wrote nothing within 10 s.')
  const [least = 0, more = 0] = WRITING
  await pause(least + Math.random() * more)
  await writer.kill()
  const acknowledged = [first, ...writer.take('acknowledged'), ...promised]

  const dict = await stage.open()
  const { lost, halfDone, unreported } = audit(await dict.snapshot(), acknowledged)
  const agreeing = await agree(readers, digest(dict.local), bound)
  await dict.close()
  const lines = [
    ['acknowledged before the kill', acknowledged.length],
    ['lost', lost.length],
    ['half written (an order without its invoice)', halfDone],
    ['committed, but killed before it was reported', unreported],
    ['processes whose memory matches the store', `${agreeing} of ${readers.length}`],
  ]
  for (const [title = '', count] of lines) say(`  ${String(title).padEnd(46)}${String(count).padStart(8)}`)
  return lost.length === 0 && halfDone === 0 && agreeing === readers.length
}

/**
 * How many readers reach exactly this state within the bound. @param {readonly Player[]} readers @param {string}
 * expected @param {number} bound
 */
async function agree(readers, expected, bound) {
  const deadline = performance.now() + bound
  const agrees = await Promise.all(
    readers.map(async reader => {
      for (;;) {
        reader.ask('digest')
        const held = await reader.receive('digest', Math.max(1, deadline - performance.now()))
        if (held === expected || performance.now() >= deadline) return held === expected
        await pause(10)
      }
    }),
  )
  return agrees.filter(Boolean).length
}

/** @param {number} [value] */
function ms(value = Number.NaN) {
  return `${value.toFixed(1)} ms`
}
