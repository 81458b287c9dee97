// @ts-check
import { compare, inSequence } from '../../measure.js'
import { compared } from '../../rows.js'
import { makeKeys, shuffled } from '../../samples.js'
import { CLIENTS, clientOf, makeTable, openDict } from './server.js'

const KEYS = 1_000

/** Reads that check the database, by each client. @type {import('../../types.js').Bench} */
export async function checkedReads({ quick }) {
  const { url, name } = await makeTable(KEYS)
  const some = shuffled(makeKeys(KEYS)).slice(0, quick ? 20 : 100)
  const [rounds, warmUp] = quick ? [5, 1] : [151, 10]
  const rows = []
  for (const kind of Object.keys(CLIENTS)) {
    const { client, query, end } = clientOf(kind, url)
    const dict = await openDict(client, name)
    const one = await compare({
      ours: inSequence(some, key => dict.get(key)),
      base: inSequence(some, async key => (await query(`SELECT value FROM ${name} WHERE key = $1`, [key])).length),
      rounds,
      warmUp,
    })
    await dict.close()
    await end()
    rows.push(
      compared(`await get, autosync: true (${kind})`, 'one SELECT by primary key, prepared, the client alone', one, {
        atMost: 1.2,
      }),
    )
  }
  return rows
}
