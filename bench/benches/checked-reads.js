// @ts-check
import { compare, repeated } from '../measure.js'
import { compared } from '../rows.js'
import { makeKeys, shuffled } from '../samples.js'

const KEYS = 1_000

/** Reads that check the store, one by one and many at once. @type {import('../types.js').Bench} */
export async function checkedReads(context) {
  const place = await context.place(KEYS)
  const dict = await place.open()
  const plain = await place.openPlain()
  const keys = shuffled(makeKeys(KEYS))
  const rounds = context.quick ? 5 : 31
  const passes = context.quick ? 1 : 5

  const one = await compare({
    ours: repeated(KEYS * passes, async () => {
      let sum = 0
      for (let pass = 0; pass < passes; pass += 1) for (const key of keys) sum += (await dict.get(key))?.limit ?? 0
      return sum
    }),
    base: repeated(KEYS * passes, () => {
      let sum = 0
      for (let pass = 0; pass < passes; pass += 1) for (const key of keys) sum += plain.get(key) === undefined ? 0 : 1
      return sum
    }),
    rounds,
  })

  const volleys = passes * 4
  const overlapping = await compare({
    // The total time, not the time of each.
    ours: repeated(volleys, async () => {
      let sum = 0
      for (let volley = 0; volley < volleys; volley += 1) {
        sum += (await Promise.all(keys.map(key => dict.get(key)))).length
      }
      return sum
    }),
    base: repeated(KEYS, async () => {
      let sum = 0
      for (const key of keys) sum += (await dict.get(key))?.limit ?? 0
      return sum
    }),
    rounds,
  })

  await dict.close()
  await plain.close()
  return [
    compared('await get, autosync: true', 'one SELECT of that key', one, { atMost: 3 }),
    compared('1,000 overlapping gets', 'one get', overlapping, { atMost: 30 }),
  ]
}
