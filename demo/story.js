// @ts-check
import { setTimeout as pause } from 'node:timers/promises'
import { isDeepStrictEqual } from 'node:util'
import { digest } from './digest.js'
import { audit } from './orders.js'
import { LiveTable } from './table.js'

/** @typedef {import('./stage.js').Dict} Dict */
/** @typedef {import('./stage.js').Stage} Stage */
/** @typedef {Awaited<ReturnType<Stage['start']>>} Player */

/** What is changed, one after the other; `undefined` deletes. @type {readonly [key: string, value: unknown][]} */
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

/** Pauses between the changes, for those who watch, in ms. */
const PAUSE = 250

/** How long the writer may write before it is killed, in ms: at least, and up to so much more. */
const WRITING = [800, 400]

/**
 * @typedef {object} Scene
 * @property {Stage} stage
 * @property {import('./table.js').Output} output
 * @property {number} [bound] within how many ms every process must see a change. Default: 2,000
 * @property {readonly number[]} [promised] writes that have to be there besides those that the writer acknowledges
 */

/** Plays both acts; gives whether all that is promised held. @param {Scene} scene */
export async function tell(scene) {
  const say = (text = '') => scene.output.write(`${text}\n`)
  say(`One dictionary, shared by several processes. The store: ${scene.stage.title}.`)
  say()
  const readers = await Promise.all([1, 2, 3].map(number => scene.stage.start('./reader.js', `Reader ${number}`)))
  const seen = await changeSettings(scene, readers, say)
  const kept = await killWriter(scene, readers, say)
  say()
  say(seen && kept ? 'All of it held.' : 'NOT all of it held: see above.')
  return seen && kept
}

/**
 * The first act: settings are changed here, and seen there.
 * @param {Scene} scene
 * @param {readonly Player[]} readers
 * @param {(text?: string) => void} say
 */
async function changeSettings({ stage, output, bound = 2_000 }, readers, say) {
  say('Three processes keep it in memory, and this one changes it. After how long was each')
  say('write acknowledged as durable, and when did each memory hold the new value?')
  say()
  const dict = await stage.open()
  const table = new LiveTable(output, [
    ['change', 32],
    ['written', 9],
    ...readers.map(({ role }) => /** @type {[string, number]} */ ([role.toLowerCase(), 9])),
  ])
  const delays = []
  for (const [key, value] of CHANGES) {
    delays.push(...(await change(dict, key, value, readers, table, bound)))
    await pause(PAUSE)
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

/**
 * Makes one change, and gives after how many ms each reader's memory held it.
 * @param {Dict} dict
 * @param {string} key
 * @param {unknown} value
 * @param {readonly Player[]} readers
 * @param {LiveTable} table
 * @param {number} bound
 */
async function change(dict, key, value, readers, table, bound) {
  const fill = table.add(value === undefined ? `${key} deleted` : `${key} = ${JSON.stringify(value)}`)
  // On the clock that the processes have in common, see reader.js.
  const began = performance.timeOrigin + performance.now()
  const written = value === undefined ? dict.delete(key) : dict.set(key, value)
  const shown = written.then(() => fill(1, ms(performance.timeOrigin + performance.now() - began)))
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
 * The second act: a writer dies in the middle of its writes.
 * @param {Scene} scene
 * @param {readonly Player[]} readers
 * @param {(text?: string) => void} say
 */
async function killWriter({ stage, bound = 2_000, promised = [] }, readers, say) {
  say()
  say('Another process now writes orders, each with its invoice, several at a time. It reports')
  say('every write that was acknowledged. In the middle of that it is killed (SIGKILL).')
  say()
  const writer = await stage.start('./writer.js', 'The writer')
  for (const reader of readers) reader.ask('hush')
  const first = await writer.receive('acknowledged', 10_000)
  if (first === undefined) throw new Error('The writer could not write anything in 10 s.')
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
    ['half done (an order without its invoice)', halfDone],
    ['committed, but killed before it could say so', unreported],
    ['processes whose memory agrees with the store', `${agreeing} of ${readers.length}`],
  ]
  for (const [title = '', count] of lines) say(`  ${String(title).padEnd(46)}${String(count).padStart(8)}`)
  return lost.length === 0 && halfDone === 0 && agreeing === readers.length
}

/** How many readers come to hold just that within the bound. @param {readonly Player[]} readers @param {string} expected @param {number} bound */
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
