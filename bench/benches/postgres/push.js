// @ts-check
import { startListener } from '../../listener.js'
import { percentile, spread } from '../../measure.js'
import { judged } from '../../rows.js'
import { makeKey, makeSample } from '../../samples.js'
import { clientOf, encoding, makeTable, openDict } from './server.js'

const SAMPLES = 10

/**
 * From the call of `set`, or of an UPDATE by hand, until the memory of another process has the value, against a bare NOTIFY to a
 * process that listens by the same client.
 * @type {import('../../types.js').Bench}
 */
export async function push({ quick }) {
  const { url, name } = await makeTable(1_000)
  const { client, query, end } = clientOf('pg', url)
  const dict = await openDict(client, name, { autosync: false })
  const listener = await startListener('postgres-listener', [url, name])
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
  const value = (/** @type {number} */ limit) => ({ ...makeSample(0), limit })
  const update = `UPDATE durabledict_entries SET value = $3::jsonb WHERE dictionary = $1 AND key = $2`
  /** @type {readonly [title: string, atMost: number, send: (limit: number) => Promise<unknown>][]} */
  const ways = [
    ['set()', 1.5, limit => dict.set(makeKey(0), value(limit))],
    ['an UPDATE by hand', 2, limit => query(update, [name, makeKey(0), encoding.encode(value(limit))])],
  ]
  const rows = []
  for (const [title, atMost, send] of ways) {
    const [ours, base, rounds] = [
      /** @type {number[]} */ ([]),
      /** @type {number[]} */ ([]),
      /** @type {number[]} */ ([]),
    ]
    for (let round = quick ? 0 : -5; round < (quick ? 2 : 40); round += 1) {
      const [mine, theirs] = [/** @type {number[]} */ ([]), /** @type {number[]} */ ([])]
      for (let sample = 0; sample < SAMPLES; sample += 1) {
        await measure(mine, send)
        await measure(theirs, limit => query('SELECT pg_notify($1, $2)', ['bench', `${limit}`]))
      }
      if (round < 0) continue
      ours.push(...mine)
      base.push(...theirs)
      rounds.push(percentile(mine, 0.5) / percentile(theirs, 0.5))
    }
    rows.push(
      judged({
        name: `live: from ${title} to the memory of another process, p50`,
        ours: { value: percentile(ours, 0.5), unit: 'ns' },
        base: { name: 'a bare NOTIFY', value: percentile(base, 0.5), unit: 'ns' },
        ratio: { ...spread(rounds), of: 'time' },
        target: { atMost },
      }),
    )
  }
  await listener.end()
  await dict.close()
  await end()
  return rows
}
