// @ts-check
import { compare, repeated } from '../../measure.js'
import { compared } from '../../rows.js'
import { makeKey, makeSample } from '../../samples.js'
import { CLIENTS, clientOf, encoding, makeTable, openDict } from './server.js'

const KEYS = 1_000
const OVERLAPPING = 100

/** The cost of a write, alone and among others, by each client. @type {import('../../types.js').Bench} */
export async function writes({ quick }) {
  const { url, name } = await makeTable(KEYS)
  const upsert = `INSERT INTO ${name} VALUES ($1, $2) ON CONFLICT (key) DO UPDATE SET value = excluded.value`
  const rows = []
  for (const kind of Object.keys(CLIENTS)) {
    const { client, query, end } = clientOf(kind, url)
    const dict = await openDict(client, name, { autosync: false })
    const next = counting()
    const set = () => dict.set(...next())
    const plain = async () => {
      const [key, value] = next()
      return (await query(upsert, [key, encoding.encode(value)])).length + 1
    }
    const [rounds, warmUp] = quick ? [5, 1] : [301, 30]
    const one = await compare({
      ours: repeated(1, async () => Number((await set()) === undefined)),
      base: repeated(1, plain),
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
    await end()
    rows.push(
      compared(`set (${kind})`, 'one INSERT … ON CONFLICT, prepared, the client alone', one, { atMost: 4 }),
      compared(`${OVERLAPPING} overlapping sets (${kind})`, 'the same, one by one', many, { atLeast: 5 }),
    )
  }
  return rows
}

/** @returns {() => [string, import('../../types.js').Sample]} */
function counting() {
  let written = 0
  return () => {
    written += 1
    return [makeKey(written % KEYS), makeSample(written)]
  }
}
