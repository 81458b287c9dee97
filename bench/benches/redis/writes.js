// @ts-check
import { compare, repeated } from '../../measure.js'
import { compared, judged } from '../../rows.js'
import { makeKeys, makeSample, shuffled } from '../../samples.js'
import { CLIENTS, withEachClient } from './clients.js'
import { filledRivals } from './rivals.js'
import { makeHash } from './server.js'

const KEYS = 500

let written = 0
const sample = () => makeSample(++written)
/** The stored form of a sample, made at almost no cost. */
const stored = () => `[{"enabled":1,"limit":2,"label":3},true,${++written},"Setting number ${written}"]`

/** Writes one by one and many at once, against the server without the dictionary. @type {import('../../types.js').Bench} */
export async function writes({ quick }) {
  const { url, name } = await makeHash(KEYS)
  const { name: plain } = await makeHash(KEYS)
  const keys = shuffled(makeKeys(KEYS))
  const some = keys.slice(0, quick ? 20 : 100)
  const [rounds, warmUp] = quick ? [5, 1] : [101, 10]

  const rows = await withEachClient(url, async client => {
    const dict = await client.open(name)
    const set = inSequence(some, key => dict.set(key, sample()))
    const one = await compare({
      ours: set,
      base: inSequence(some, key => client.hset(plain, key, stored())),
      rounds,
      warmUp,
    })
    const transaction = inSequence(some, key => client.transaction(plain, key, stored(), `${plain}:count`))
    const counted = await compare({ ours: set, base: transaction, rounds, warmUp })
    const many = await compare({
      ours: atOnce(keys, key => dict.set(key, sample())),
      base: atOnce(keys, key => client.hset(plain, key, stored())),
      rounds,
      warmUp,
      of: 'speed',
    })
    await dict.close()
    return [
      compared(`await set (${client.name})`, 'HSET', one, { atMost: 1.4 }),
      compared(`await set (${client.name})`, 'MULTI, HSET, INCR, EXEC', counted),
      compared(`500 overlapping sets (${client.name})`, '500 pipelined HSETs', many, { atLeast: 1.5 }),
      judged({
        name: `500 overlapping sets (${client.name}), throughput`,
        ours: { value: (1e9 * KEYS) / many.ours, unit: '/s' },
      }),
    ]
  })
  return [...rows, ...(await againstRivals(url, name, keys, quick))]
}

/** @param {string} url @param {string} name @param {readonly string[]} keys @param {boolean} quick */
async function againstRivals(url, name, keys, quick) {
  const client = await /** @type {NonNullable<typeof CLIENTS[string]>} */ (CLIENTS['node-redis'])(url)
  const dict = await client.open(name)
  const some = keys.slice(0, 50)
  const rows = []
  const rivals = await filledRivals(url, keys.length, quick)
  for (const rival of rivals) {
    const rounds = quick ? 3 : 31
    const one = await compare({
      ours: inSequence(some, key => dict.set(key, sample())),
      base: inSequence(some, key => rival.set(key, sample())),
      rounds,
    })
    const many = await compare({
      ours: atOnce(keys, key => dict.set(key, sample())),
      base: atOnce(keys, key => rival.set(key, sample())),
      rounds,
      of: 'speed',
    })
    rows.push(
      compared('await set (node-redis)', `set of ${rival.name}`, one),
      compared('500 overlapping sets (node-redis)', `500 of ${rival.name}`, many),
    )
  }
  for (const rival of rivals) await rival.close()
  await dict.close()
  client.close()
  return rows
}

/** @param {readonly string[]} keys @param {(key: string) => Promise<unknown>} write */
function inSequence(keys, write) {
  return repeated(keys.length, async () => {
    for (const key of keys) await write(key)
    return written
  })
}

/** The total time. @param {readonly string[]} keys @param {(key: string) => Promise<unknown>} write */
function atOnce(keys, write) {
  return repeated(1, async () => (await Promise.all(keys.map(write))).length)
}
