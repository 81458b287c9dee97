// @ts-check
import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import { SqliteDict } from '../../../dist/index.js'
import { openDatabase } from '../../engine.js'
import { compare, repeated } from '../../measure.js'
import { compared } from '../../rows.js'
import { makeKeys, makeSample, shuffled } from '../../samples.js'

/** The commits of a page. */
const LIMIT = 50

/** How many pages a round reads. */
const PAGES = 20

/** The same rows without the dictionary. */
const DIRECT = `SELECT * FROM (SELECT * FROM durabledict_commits WHERE dict = 'bench' ORDER BY position DESC LIMIT ${LIMIT}) AS c
  JOIN durabledict_commit_keys AS k ON k.dict = c.dict AND k.key = c.key AND k.position = c.position ORDER BY c.position DESC`

/** Writes with and without a history, and one page of a long history. @type {import('../../types.js').Bench} */
export async function history({ folder, quick }) {
  return [await writes(folder, quick), await pages(folder, quick)]
}

/** @param {string} folder @param {boolean} quick */
async function writes(folder, quick) {
  const [recorded, plain] = [await open(folder, { keep: 1_000, days: 90 }), await open(folder, false)]
  const keys = shuffled(makeKeys(1_000)).slice(0, quick ? 20 : 200)
  let written = 0
  const setAll = (/** @type {SqliteDict} */ dict) =>
    repeated(keys.length, async () => {
      for (const key of keys) await dict.set(key, makeSample(++written))
      return written
    })
  const rounds = {
    ours: setAll(recorded.dict),
    base: setAll(plain.dict),
    rounds: quick ? 5 : 31,
    warmUp: quick ? 1 : 8,
  }
  const measured = await compare(rounds)
  for (const { dict } of [recorded, plain]) await dict.close()
  return compared('await set, with a full history', 'with { history: false }', measured, { atMost: 1.1 })
}

/** @param {string} folder @param {boolean} quick */
async function pages(folder, quick) {
  const [commits, rounds, warmUp] = quick ? [200, 5, 1] : [10_000, 51, 3]
  const { dict, file } = await open(folder, { keep: commits, days: 90 })
  const keys = makeKeys(1_000)
  for (let n = 0; n < commits; n += 1) await dict.set(/** @type {string} */ (keys[n % keys.length]), makeSample(n))
  const database = openDatabase(file)
  const rows = database.prepare(DIRECT)
  const measured = await compare({
    ours: repeated(PAGES, async () => {
      let found = 0
      for (let n = 0; n < PAGES; n += 1) {
        for await (const { changes } of dict.history({ limit: LIMIT })) found += changes.length
      }
      return found
    }),
    base: repeated(PAGES, () => Array.from({ length: PAGES }, () => rows.all().length).length),
    rounds,
    warmUp,
  })
  await dict.close()
  database.close()
  const name = `history({ limit: ${LIMIT} }) of ${commits.toLocaleString('en')} commits`
  return compared(name, `the same ${LIMIT} commits by SQL`, measured, { atMost: 3 })
}

/** @param {string} folder @param {import('../../../dist/index.js').HistoryPolicy} policy */
async function open(folder, policy) {
  const file = join(folder, `${randomUUID()}.db`)
  return { file, dict: await SqliteDict.open('bench', file, { history: policy }) }
}
