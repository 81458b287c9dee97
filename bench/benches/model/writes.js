// @ts-check
import { compare, repeated } from '../../measure.js'
import { compared } from '../../rows.js'
import { makeKey, makeSample } from '../../samples.js'
import { makeTable, openTable } from './server.js'

const KEYS = 1_000
const OVERLAPPING = 100

/** The cost of a write, alone and among others. @type {import('../../types.js').Bench} */
export async function writes({ quick }) {
  const { url, name } = await makeTable(KEYS)
  const table = await openTable(url, name)
  const dict = await table.open({ autosync: false })
  const [rounds, warmUp] = quick ? [5, 1] : [101, 10]
  let written = 0
  const next = () => {
    written += 1
    return [makeKey(written % KEYS), makeSample(written)]
  }
  const set = () => dict.set(.../** @type {[string, import('../../types.js').Sample]} */ (next()))
  const upsert = `INSERT INTO ${name} VALUES ($1, $2) ON CONFLICT (key) DO UPDATE SET value = excluded.value`
  const plain = () => {
    const [key, value] = next()
    return table.pool.query(upsert, [key, JSON.stringify(value)])
  }
  const one = await compare({
    ours: repeated(1, async () => Number((await set()) === undefined)),
    base: repeated(1, async () => (await plain()).rowCount ?? 0),
    rounds,
    warmUp,
  })
  const many = await compare({
    ours: repeated(OVERLAPPING, async () => (await Promise.all(Array.from({ length: OVERLAPPING }, set))).length),
    base: repeated(OVERLAPPING, async () => {
      for (let index = 0; index < OVERLAPPING; index += 1) await set()
      return OVERLAPPING
    }),
    rounds: quick ? 3 : 31,
    of: 'speed',
  })
  await dict.close()
  await table.close()
  return [
    compared('set', 'one INSERT … ON CONFLICT, pg alone', one, { atMost: 4 }),
    compared(`${OVERLAPPING} overlapping sets`, 'the same, one by one', many),
  ]
}
