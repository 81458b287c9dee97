// @ts-check
import { RedisBackend } from '../../../dist/backends/redis/redis-backend.js'
import { compare, repeated } from '../../measure.js'
import { compared } from '../../rows.js'
import { makeKeys, makeSample, shuffled } from '../../samples.js'
import { withEachClient } from './clients.js'
import { connect, makeHash } from './server.js'

const KEYS = 500
const PAGE = 50

let written = 0
const sample = () => makeSample(++written)

/** What the history adds to a write, and how long a page of it takes. @type {import('../../types.js').Bench} */
export async function history({ quick }) {
  return [...(await writes(quick)), ...(await pages(quick))]
}

/** @param {boolean} quick */
async function writes(quick) {
  const { url, name } = await makeHash(KEYS)
  const { name: plain } = await makeHash(KEYS)
  await withBackend(url, plain, backend => backend.setHistoryPolicy(false))
  const keys = shuffled(makeKeys(KEYS))
  const some = keys.slice(0, quick ? 20 : 100)
  const [rounds, warmUp] = quick ? [5, 1] : [101, 10]
  return withEachClient(url, async client => {
    const [dict, other] = [await client.open(name), await client.open(plain)]
    const one = await compare({
      ours: inSequence(some, key => dict.set(key, sample())),
      base: inSequence(some, key => other.set(key, sample())),
      rounds,
      warmUp,
    })
    const many = await compare({
      ours: atOnce(keys, key => dict.set(key, sample())),
      base: atOnce(keys, key => other.set(key, sample())),
      rounds,
      warmUp,
    })
    await dict.close()
    await other.close()
    return [
      compared(`await set with history (${client.name})`, 'without', one, { atMost: 1.1 }),
      compared(`500 overlapping sets with history (${client.name})`, 'without', many),
    ]
  })
}

/** @param {boolean} quick */
async function pages(quick) {
  const { url, name } = await makeHash(0)
  const client = await connect(url)
  const [commits, rounds, warmUp] = quick ? [KEYS, 5, 1] : [10_000, 101, 3]
  const measured = await withBackend(url, name, async backend => {
    await backend.setHistoryPolicy({ keep: commits, days: 90 })
    for (let first = 0; first < commits; first += KEYS) await write(backend, first)
    return compare({
      ours: repeated(1, async () => (await backend.history({ limit: PAGE })).commits.length),
      base: repeated(1, async () => (await client.zRange(`{${name}}:history`, 0, PAGE - 1, { REV: true })).length),
      rounds,
      warmUp,
    })
  })
  client.destroy()
  return [compared(`${PAGE} of ${commits} commits`, `ZRANGE of ${PAGE}`, measured, { atMost: 3 })]
}

/** @param {RedisBackend} backend @param {number} first */
async function write(backend, first) {
  const groups = Array.from({ length: KEYS }, (_, index) => ({
    conditions: [],
    operations: [{ type: /** @type {const} */ ('set'), key: `key ${first + index}`, stored: JSON.stringify(sample()) }],
    attribution: { by: 'ada@example.com', reason: `incident ${first + index}` },
  }))
  const batch = { id: `batch${first}`, groups }
  await backend.commit(batch, await backend.lastUpdated(), new AbortController().signal)
}

/** @template R @param {string} url @param {string} name @param {(backend: RedisBackend) => Promise<R>} work */
async function withBackend(url, name, work) {
  const client = await connect(url)
  const backend = new RedisBackend(client, name)
  const result = await work(backend)
  await backend.close()
  client.destroy()
  return result
}

/** @param {readonly string[]} keys @param {(key: string) => Promise<unknown>} write */
function inSequence(keys, write) {
  return repeated(keys.length, async () => {
    for (const key of keys) await write(key)
    return ++written
  })
}

/** The total time. @param {readonly string[]} keys @param {(key: string) => Promise<unknown>} write */
function atOnce(keys, write) {
  return repeated(1, async () => (await Promise.all(keys.map(write))).length)
}
