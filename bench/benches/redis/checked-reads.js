// @ts-check
import { compare, inSequence, repeated } from '../../measure.js'
import { compared } from '../../rows.js'
import { makeKeys, makeSample, shuffled } from '../../samples.js'
import { CLIENTS, withEachClient } from './clients.js'
import { filledRivals } from './rivals.js'
import { makeHash } from './server.js'

const KEYS = 1_000

/** Reads that check the server, one by one and many at once. @type {import('../../types.js').Bench} */
export async function checkedReads({ quick }) {
  const { url, name } = await makeHash(KEYS)
  const keys = shuffled(makeKeys(KEYS))
  const some = keys.slice(0, quick ? 20 : 100)
  const [rounds, warmUp] = quick ? [5, 1] : [151, 10]

  const rows = await withEachClient(url, async client => {
    const dict = await client.open(name)
    await client.set('plain', JSON.stringify(makeSample(1)))
    const one = await compare({
      ours: inSequence(some, key => dict.get(key)),
      base: inSequence(some, () => client.get('plain')),
      rounds,
      warmUp,
    })
    const volleys = quick ? 1 : 5
    const many = await compare({
      // The total time, not the time of each.
      ours: repeated(volleys, async () => {
        for (let volley = 0; volley < volleys; volley += 1) await Promise.all(keys.map(key => dict.get(key)))
        return volleys
      }),
      base: repeated(1, async () => (await Promise.all(keys.map(key => client.hget(name, key)))).length),
      rounds,
      warmUp,
      of: 'speed',
    })
    await dict.close()
    return [
      compared(`await get, autosync: true (${client.name})`, 'GET', one, { atMost: 1.15 }),
      compared(`1,000 overlapping gets (${client.name})`, '1,000 pipelined HGETs', many, { atLeast: 20 }),
    ]
  })
  return [...rows, ...(await againstRivals(url, name, keys, quick))]
}

/**
 * Against libraries that also query the server at every read. @param {string} url @param {string} name @param {readonly
 * string[]} keys @param {boolean} quick
 */
async function againstRivals(url, name, keys, quick) {
  const client = await /** @type {NonNullable<typeof CLIENTS[string]>} */ (CLIENTS['node-redis'])(url)
  const dict = await client.open(name)
  const some = keys.slice(0, 100)
  const rows = []
  const rivals = await filledRivals(url, keys.length, quick)
  for (const rival of rivals.filter(({ cached }) => !cached)) {
    const rounds = 31
    const one = await compare({
      ours: inSequence(some, key => dict.get(key)),
      base: inSequence(some, rival.get),
      rounds,
    })
    const many = await compare({
      ours: repeated(1, async () => (await Promise.all(keys.map(key => dict.get(key)))).length),
      base: repeated(1, async () => (await Promise.all(keys.map(key => rival.get(key)))).length),
      rounds,
      of: 'speed',
    })
    rows.push(
      compared('await get, autosync: true (node-redis)', `get of ${rival.name}`, one),
      compared('1,000 overlapping gets (node-redis)', `1,000 of ${rival.name}`, many),
    )
  }
  for (const rival of rivals) await rival.close()
  await dict.close()
  client.close()
  return rows
}
