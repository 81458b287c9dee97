// @ts-check
import { collect, compare, percentile } from '../../measure.js'
import { compared, judged } from '../../rows.js'
import { makeKey, makeSample } from '../../samples.js'
import { withEachClient } from './clients.js'
import { makeDict, requestsOf } from './server.js'

/** Too long for the log, so that it is read from its znode. In characters. */
const LONG = 4_000

/** What one change costs another replica: in requests, and in time, with few keys and with many. @type {import('../../types.js').Bench} */
export async function catchUp({ quick }) {
  const [few, many] = quick ? [100, 1_000] : [100, 10_000]
  const [small, large] = [await makeDict(few), await makeDict(many)]
  const [rounds, warmUp] = quick ? [5, 1] : [101, 10]
  const [left, right] = [many, few].map(count => count.toLocaleString('en'))
  return withEachClient(small.address, async client => {
    const [ours, base] = [await openPair(client, large.path, many), await openPair(client, small.path, few)]
    const short = await ours.requests('short')
    const long = await ours.requests('x'.repeat(LONG))
    collect()
    const flat = await compare({ ours: ours.time, base: base.time, rounds, warmUp })
    await ours.close()
    await base.close()
    const row = (/** @type {string} */ what, /** @type {number} */ value) =>
      judged({
        name: `requests of catching up after one change, ${left} keys, ${what} (${client.name})`,
        ours: { value, unit: 'calls' },
        target: { atMost: 2 },
      })
    return [
      row('a short value', short),
      row('a long value', long),
      compared(`sync after one change, ${left} keys (${client.name})`, `the same, ${right} keys`, flat, {
        atMost: 1.2,
      }),
    ]
  })
}

/**
 * Two replicas of one dictionary, in separate sessions: one writes, the other catches up through the client.
 * @param {import('./clients.js').Client} client @param {string} path @param {number} size
 */
async function openPair(client, path, size) {
  const writer = await client.openElsewhere(path, { autosync: false })
  const reader = await client.open(path)
  let written = 0
  const write = async (/** @type {string} */ label) => {
    written += 1
    const key = makeKey((written * 7_919) % size)
    await writer.set(key, { ...makeSample(written), label: `${label} ${written}` })
    // The fired watch is set again by then.
    await writer.sync()
    return { key, label: `${label} ${written}` }
  }
  return {
    /** How many requests the reader sends to catch up, once the watch has fired. @param {string} label */
    async requests(label) {
      const counts = []
      // A heartbeat, or a check of the number of children soon after opening, may fall into one of them.
      for (let index = 0; index < 5; index += 1) {
        const alone = await requestsOf(() => write(label))
        await reader.sync()
        const both = await requestsOf(async () => {
          const last = await write(label)
          // Such a read sends nothing until then.
          while ((await reader.get(last.key))?.label !== last.label) await new Promise(resolve => setImmediate(resolve))
        })
        counts.push(both - alone)
      }
      return percentile(counts, 0.5)
    },
    /** The time of one `sync` after one change: the median of several. */
    async time() {
      const times = []
      for (let index = 0; index < 11; index += 1) {
        await write('short')
        const started = performance.now()
        await reader.sync()
        times.push((performance.now() - started) * 1e6)
      }
      return percentile(times, 0.5)
    },
    async close() {
      await writer.close()
      await reader.close()
    },
  }
}
