// @ts-check
import { compare, repeated } from '../../measure.js'
import { compared } from '../../rows.js'
import { makeKey, makeSample } from '../../samples.js'
import { clientOf, makeTable, openDict } from './server.js'

const KEYS = 1_000
const PAGE = 50

/** The cost of the history: of a write, and of a page. @type {import('../../types.js').Bench} */
export async function history({ quick }) {
  const [rounds, warmUp] = quick ? [5, 1] : [1_001, 20]
  const stored = quick ? 200 : 10_000
  const [kept, none] = [await openWriter({ keep: stored, days: 90 }), await openWriter(false)]
  const one = await compare({ ours: repeated(1, kept.set), base: repeated(1, none.set), rounds, warmUp })
  await none.close()
  await kept.fill(stored)
  const page = await compare({ ours: repeated(1, kept.page), base: repeated(1, kept.rows), rounds, warmUp })
  await kept.close()
  return [
    compared('set, with history', 'the same, history: false', one, { atMost: 1.1 }),
    compared(
      `history({ limit: ${PAGE} }), ${stored.toLocaleString('en')} commits`,
      `SELECT of the last ${PAGE} rows of that table, pg alone`,
      page,
      { atMost: 3 },
    ),
  ]
}

/** One dictionary that writes, with or without history. @param {import('../../types.js').Options['history']} history */
async function openWriter(history) {
  const { url, name } = await makeTable(KEYS)
  const { client, query, end } = clientOf('pg', url)
  const dict = await openDict(client, name, { autosync: false, history })
  const last = `SELECT * FROM durabledict_commits WHERE dictionary = $1 ORDER BY position DESC LIMIT ${PAGE}`
  let written = 0
  const set = async () => {
    written += 1
    await dict.set(makeKey(written % KEYS), makeSample(written))
    return 1
  }
  return {
    set,
    /** @param {number} count */
    async fill(count) {
      while (written < count) await Promise.all(Array.from({ length: PAGE }, set))
      await query('ANALYZE durabledict_commits')
    },
    page: async () => (await dict.history({ limit: PAGE }).toArray()).length,
    rows: async () => (await query(last, [name])).length,
    async close() {
      await dict.close()
      await end()
    },
  }
}
