// @ts-check
import { compare, repeated } from '../../measure.js'
import { compared } from '../../rows.js'
import { makeKey, makeSample } from '../../samples.js'
import { makeTable, openTable } from './server.js'

const KEYS = 1_000
const PAGE = 50

/** The cost of the history: of a write, and of a page. @type {import('../../types.js').Bench} */
export async function history({ quick }) {
  const [rounds, warmUp] = quick ? [5, 1] : [1_001, 20]
  const stored = quick ? 200 : 10_000
  const limits = { keep: stored, days: 90 }
  const [kept, none] = [await openWriter(limits), await openWriter(false)]
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
      {
        atMost: 3,
      },
    ),
  ]
}

/** One dictionary that writes, with or without history. @param {import('../../types.js').Options['history']} history */
async function openWriter(history) {
  const { url, name } = await makeTable(KEYS)
  const table = await openTable(url, name)
  const dict = await table.open({ autosync: false, history })
  const identity = table.pool
    .query(`SELECT dict FROM durabledict_model_versions WHERE dict LIKE 'durabledict:${name}:%'`)
    .then(({ rows }) => rows[0].dict)
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
      await table.pool.query('ANALYZE durabledict_model_commits')
    },
    page: async () => (await dict.history({ limit: PAGE }).toArray()).length,
    rows: async () =>
      (
        await table.pool.query(
          `SELECT * FROM durabledict_model_commits WHERE dict = $1 ORDER BY position DESC LIMIT ${PAGE}`,
          [await identity],
        )
      ).rowCount ?? 0,
    async close() {
      await dict.close()
      await table.close()
    },
  }
}
