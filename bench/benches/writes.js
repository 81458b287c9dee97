// @ts-check
import { compare, repeated } from '../measure.js'
import { compared, judged } from '../rows.js'
import { makeKeys, makeSample, shuffled } from '../samples.js'

/** Writes one by one and many at once, against the store without the dictionary. @type {import('../types.js').Bench} */
export async function writes(context) {
  const size = 1_000
  const place = await context.place(size)
  const dict = await place.open()
  const plain = await place.openPlain()
  const keys = shuffled(makeKeys(size))
  const some = keys.slice(0, context.quick ? 10 : 50)
  const rounds = context.quick ? 5 : 31
  let written = 0
  const stored = () => `[{"enabled":1,"limit":2,"label":3},true,${++written},"Setting number ${written}"]`

  const one = await compare({
    ours: repeated(some.length, async () => {
      for (const key of some) await dict.set(key, makeSample(++written))
      return written
    }),
    base: repeated(some.length, () => {
      for (const key of some) plain.set(key, stored())
      return written
    }),
    rounds,
  })

  const many = await compare({
    ours: repeated(size, async () => {
      await Promise.all(keys.map(key => dict.set(key, makeSample(++written))))
      return written
    }),
    base: repeated(size, () => {
      plain.setAll(keys.map(key => [key, stored()]))
      return written
    }),
    rounds,
  })

  await dict.close()
  await plain.close()
  return [
    compared('await set', 'one INSERT OR REPLACE in its own transaction', one),
    compared('each of 1,000 overlapping sets', 'each of 1,000 rows in one transaction', many),
    judged({ name: '1,000 overlapping sets, throughput', ours: { value: 1e9 / many.ours, unit: '/s' } }),
  ]
}
