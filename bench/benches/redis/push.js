// @ts-check
import { startListener } from '../../listener.js'
import { percentile, spread } from '../../measure.js'
import { judged } from '../../rows.js'
import { makeKey, makeSample } from '../../samples.js'
import { CLIENTS } from './clients.js'
import { makeHash } from './server.js'

const SAMPLES = 10

/**
 * From the call of `set` until the memory of another process has the value, against a bare PUBLISH to a process
 * subscribed by the same client.
 * @type {import('../../types.js').Bench}
 */
export async function push({ quick }) {
  const { url, name } = await makeHash(1_000)
  const rows = []
  for (const [kind, open] of Object.entries(CLIENTS)) {
    const client = await open(url)
    const dict = await client.open(name, { autosync: false })
    const listener = await startListener('redis-listener', [kind, url, name])
    const [ours, base] = [/** @type {number[]} */ ([]), /** @type {number[]} */ ([])]
    let limit = 0
    const measure = async (/** @type {number[]} */ times, /** @type {(limit: number) => Promise<unknown>} */ send) => {
      // Random pauses, so that they do not align with the reader's.
      await new Promise(resolve => setTimeout(resolve, 1 + Math.random() * 4))
      limit += 1
      const seen = listener.seen(limit)
      const began = process.hrtime.bigint()
      await send(limit)
      times.push(Number((await seen) - began))
    }
    const rounds = []
    for (let round = quick ? 0 : -5; round < (quick ? 2 : 40); round += 1) {
      const [mine, theirs] = [/** @type {number[]} */ ([]), /** @type {number[]} */ ([])]
      for (let sample = 0; sample < SAMPLES; sample += 1) {
        await measure(mine, limit => dict.set(makeKey(0), { ...makeSample(0), limit }))
        await measure(theirs, limit => client.publish('bench', `${limit}`))
      }
      if (round < 0) continue
      ours.push(...mine)
      base.push(...theirs)
      rounds.push(percentile(mine, 0.5) / percentile(theirs, 0.5))
    }
    await listener.end()
    await dict.close()
    client.close()
    for (const [title, share] of /** @type {const} */ ([
      ['p50', 0.5],
      ['p99', 0.99],
    ])) {
      rows.push(
        judged({
          name: `live: from set() to the memory of another process, ${title} (${kind})`,
          ours: { value: percentile(ours, share), unit: 'ns' },
          base: { name: 'a bare PUBLISH', value: percentile(base, share), unit: 'ns' },
          ...(share === 0.5 && { ratio: { ...spread(rounds), of: 'time' }, target: { atMost: 1.7 } }),
        }),
      )
    }
  }
  return rows
}
