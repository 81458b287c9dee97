// @ts-check
import { start } from '../in-process.js'
import { percentile } from '../measure.js'
import { judged } from '../rows.js'
import { makeKey, makeSample } from '../samples.js'

/** @typedef {import('../types.js').Context} Context */

const WAIT = 5_000

/**
 * From the call of `set` until the memory of another process has the value: the write, the fsync and the notification.
 * @type {import('../types.js').Bench}
 */
export async function liveLatency(context) {
  const place = await context.place(1_000)
  const writer = await place.open()
  const reader = await startReader(context, place.address)
  const times = []
  for (let limit = 1; limit <= (context.quick ? 10 : 300); limit += 1) {
    // Random pauses, so that they do not align with the reader's.
    await new Promise(resolve => setTimeout(resolve, 5 + Math.random() * 60))
    const began = performance.timeOrigin + performance.now()
    const seen = reader.seen(limit)
    await writer.set(makeKey(0), { ...makeSample(0), limit })
    times.push(((await seen) - began) * 1e6)
  }
  const share = await reader.idle(context.quick ? 300 : 5_000)
  await reader.end()
  await writer.close()
  return rowsOf(times, share)
}

/** The same between two dictionaries of one process. @type {import('../types.js').Bench} */
export async function liveLatencyInProcess(context) {
  const place = await context.place(1_000)
  const [writer, reader] = [await place.open(), await place.open({ live: true })]
  const times = []
  for (let limit = 1; limit <= (context.quick ? 10 : 300); limit += 1) {
    const seen = new Promise(resolve => {
      const listener = () => {
        reader.off('change', listener)
        resolve(performance.now())
      }
      reader.on('change', listener)
    })
    const began = performance.now()
    await writer.set(makeKey(0), { ...makeSample(0), limit })
    times.push(((await seen) - began) * 1e6)
  }
  await reader.close()
  await writer.close()
  return rowsOf(times)
}

/** @param {readonly number[]} times @param {number} [idle] the share of a core, in per cent */
function rowsOf(times, idle) {
  const where = idle === undefined ? 'another dictionary' : 'another process'
  const rows = [
    judged({
      name: `live: from set() to the memory of ${where}, p50`,
      ours: { value: percentile(times, 0.5), unit: 'ns' },
      ...(idle !== undefined && { target: { atMost: 20e6 } }),
    }),
    judged({
      name: `live: from set() to the memory of ${where}, p99`,
      ours: { value: percentile(times, 0.99), unit: 'ns' },
    }),
  ]
  if (idle === undefined) return rows
  return [...rows, judged({ name: 'live: CPU when idle', ours: { value: idle, unit: '%' }, target: { atMost: 1 } })]
}

/** @param {Context} context @param {unknown} address */
async function startReader({ suite }, address) {
  const child = start(new URL('../tasks/live-reader.js', import.meta.url), [suite.name, JSON.stringify(address)])
  /** @param {(message: any) => boolean} isIt @returns {Promise<any>} */
  const message = isIt =>
    new Promise((resolve, reject) => {
      const late = setTimeout(() => reject(new Error('The reading process does not answer.')), WAIT + 10_000)
      /** @param {unknown} given */
      const listener = given => {
        if (!isIt(given)) return
        clearTimeout(late)
        child.off('message', listener)
        resolve(given)
      }
      child.on('message', listener)
    })
  await message(given => given.ready === true)
  return {
    /** When it saw that value, on the clock that the processes share. @param {number} limit @returns {Promise<number>} */
    seen: async limit => (await message(given => given.limit === limit)).at,
    /** The share of a core that it uses while nothing changes. @param {number} ms @returns {Promise<number>} */
    async idle(ms) {
      child.send({ idle: ms })
      return (await message(given => given.share !== undefined)).share
    },
    end: () => new Promise(resolve => child.once('exit', resolve).send({ end: true })),
  }
}
