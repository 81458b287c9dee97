// @ts-check
import { randomUUID } from 'node:crypto'
import { startListener } from '../../listener.js'
import { percentile, spread } from '../../measure.js'
import { judged } from '../../rows.js'
import { makeKey, makeSample } from '../../samples.js'
import { withEachClient } from './clients.js'
import { makeDict } from './server.js'

const SAMPLES = 10

/**
 * From the call of `set` until the memory of another process has the value, against a bare `setData` until another
 * process has read it after a watch event, through the same kind of client.
 * @type {import('../../types.js').Bench}
 */
export async function push({ quick }) {
  const { address, path } = await makeDict(1_000)
  const bare = await makeDict(1)
  const znode = `${bare.path}/${makeKey(0)}`
  return withEachClient(address, async client => {
    const dict = await client.open(path, { autosync: false })
    const listener = await startListener('zookeeper-listener', [client.name, address, path, znode])
    const [ours, base] = [/** @type {number[]} */ ([]), /** @type {number[]} */ ([])]
    const measure = async (/** @type {(id: string) => Promise<unknown>} */ send) => {
      // Random pauses, so that they do not align with the reader's.
      await new Promise(resolve => setTimeout(resolve, 1 + Math.random() * 4))
      const id = randomUUID()
      const seen = listener.seen(id)
      const began = process.hrtime.bigint()
      await send(id)
      return Number((await seen) - began)
    }
    const rounds = /** @type {number[]} */ ([])
    for (let round = quick ? 0 : -5; round < (quick ? 2 : 60); round += 1) {
      const [mine, theirs] = [/** @type {number[]} */ ([]), /** @type {number[]} */ ([])]
      for (let sample = 0; sample < SAMPLES; sample += 1) {
        mine.push(await measure(id => dict.set(makeKey(0), { ...makeSample(0), label: id })))
        theirs.push(await measure(id => client.setData(znode, Buffer.from(id))))
      }
      if (round < 0) continue
      ours.push(...mine)
      base.push(...theirs)
      rounds.push(percentile(mine, 0.5) / percentile(theirs, 0.5))
    }
    await listener.end()
    await dict.close()
    return [0.5, 0.99].map(share =>
      judged({
        name: `live: from set() to the memory of another process, p${share * 100} (${client.name})`,
        ours: { value: percentile(ours, share), unit: 'ns' },
        base: { name: 'a bare data watch and a read', value: percentile(base, share), unit: 'ns' },
        ...(share === 0.5 && { ratio: { ...spread(rounds), of: 'time' }, target: { atMost: 2 } }),
      }),
    )
  })
}
