// @ts-check
import { collect, compare, inSequence, repeated } from '../../measure.js'
import { compared } from '../../rows.js'
import { makeEntries, makeKeys, shuffled } from '../../samples.js'
import { CLIENTS } from './clients.js'
import { filledRivals } from './rivals.js'
import { makeHash } from './server.js'

const KEYS = 1_000

/** Reads of what is already in memory, by every means. @type {import('../../types.js').Bench} */
export async function hotReads({ quick }) {
  const { url, name } = await makeHash(KEYS)
  const client = await /** @type {NonNullable<typeof CLIENTS[string]>} */ (CLIENTS['node-redis'])(url)
  // A bound so wide that a pause of the machine does not make reads reject; every read still checks it.
  const dict = await client.open(name, { live: true, maxStaleness: 60_000 })
  const { local, fresh } = dict
  const map = new Map(makeEntries(KEYS))
  const keys = shuffled(makeKeys(KEYS))
  const rivals = await filledRivals(url, KEYS, quick)
  const passes = quick ? 20 : 300
  const rounds = quick ? 5 : 51
  // Separate loops rather than one for all: the compiler must see one kind of map in each.
  const readLocal = repeated(KEYS * passes, () => {
    let sum = 0
    for (let pass = 0; pass < passes; pass += 1) for (const key of keys) sum = (sum + (local.get(key)?.limit ?? 0)) | 0
    return sum
  })
  const readFresh = repeated(KEYS * passes, () => {
    let sum = 0
    for (let pass = 0; pass < passes; pass += 1) for (const key of keys) sum = (sum + (fresh.get(key)?.limit ?? 0)) | 0
    return sum
  })
  const readMap = repeated(KEYS * passes, () => {
    let sum = 0
    for (let pass = 0; pass < passes; pass += 1) for (const key of keys) sum = (sum + (map.get(key)?.limit ?? 0)) | 0
    return sum
  })
  collect()
  const rows = [
    compared('local.get', 'Map.get', await compare({ ours: readLocal, base: readMap, rounds, of: 'speed' }), {
      atLeast: 0.8,
    }),
    compared('fresh.get', 'Map.get', await compare({ ours: readFresh, base: readMap, rounds }), { atMost: 4 }),
  ]
  const others = [...rivals, { name: 'node-redis HGET', get: (/** @type {string} */ key) => client.hget(name, key) }]
  for (const [index, rival] of others.entries()) {
    const measured = await compare({
      ours: readFresh,
      base: inSequence(keys, rival.get),
      rounds: quick ? 3 : 15,
      of: 'speed',
    })
    rows.push(compared('fresh.get', `await get of ${rival.name}`, measured, index === 0 ? { atLeast: 10 } : undefined))
  }
  const [cache] = rivals
  if (cache) {
    const measured = await compare({
      ours: inSequence(keys, key => dict.get(key)),
      base: inSequence(keys, cache.get),
      rounds,
      of: 'speed',
    })
    rows.push(compared('await get, within maxStaleness', `await get of ${cache.name}`, measured))
  }
  for (const rival of rivals) await rival.close()
  await dict.close()
  client.close()
  return rows
}
