// @ts-check
import { once } from 'node:events'
import { createClient } from 'node-zookeeper-client'
import { ZookeeperDict } from '../../../dist/index.js'
import { compare, repeated } from '../../measure.js'
import { compared } from '../../rows.js'
import { makeKey, makeSample } from '../../samples.js'
import { makeDict } from './server.js'

const KEYS = 1_000
const PAGE = 50

/** What the history adds to a write, and what a page costs. @type {import('../../types.js').Bench} */
export async function history({ quick }) {
  return [await writes(quick), await page(quick)]
}

/** @param {boolean | undefined} quick */
async function writes(quick) {
  const { address, path } = await makeDict(KEYS)
  const other = await makeDict(KEYS)
  const recorded = await ZookeeperDict.open(path, address, { autosync: false })
  const bare = await ZookeeperDict.open(other.path, address, { autosync: false, history: false })
  const [rounds, warmUp, some] = quick ? [5, 1, 5] : [201, 20, 10]
  const one = await compare({ ours: inSequence(some, recorded), base: inSequence(some, bare), rounds, warmUp })
  await Promise.all([recorded.close(), bare.close()])
  return compared('set with history', 'set with history: false', one, { atMost: 1.1 })
}

/** @param {boolean | undefined} quick */
async function page(quick) {
  const commits = quick ? 200 : 10_000
  const { address, path } = await makeDict(KEYS)
  const dict = await ZookeeperDict.open(path, address, { autosync: false, history: { keep: 10_000, days: 90 } })
  // One after the other, as many commits as transactions.
  for (let start = 0; start < commits; start += 1) await dict.set(makeKey(start % KEYS), makeSample(start))
  const client = createClient(address)
  client.connect()
  await once(client, 'connected')
  const read = () =>
    Promise.all(
      Array.from({ length: PAGE }, (_, index) => {
        return new Promise(resolve => client.getData(`${path}/${makeKey(index)}`, (_error, data) => resolve(data)))
      }),
    )
  const ours = repeated(1, async () => {
    for await (const _ of dict.history({ limit: PAGE }));
    return 1
  })
  const base = repeated(1, async () => (await read()).length && 1)
  const one = await compare({ ours, base, rounds: quick ? 5 : 101, warmUp: quick ? 1 : 10 })
  client.close()
  await dict.close()
  return compared(`history({ limit: ${PAGE} }) of ${commits} commits`, `${PAGE} bare getData`, one, { atMost: 3 })
}

/** @param {number} count @param {{ set(key: string, value: unknown): Promise<unknown> }} dict */
function inSequence(count, dict) {
  let written = 0
  return repeated(count, async () => {
    for (let index = 0; index < count; index += 1) {
      written += 1
      await dict.set(makeKey(written % KEYS), makeSample(written))
    }
    return count
  })
}
