// @ts-check
import { compare, inSequence, repeated } from '../../measure.js'
import { compared, judged } from '../../rows.js'
import { makeKeys, shuffled } from '../../samples.js'
import { makeTable, openTable } from './server.js'

const KEYS = 1_000

/** Reads that check the database, one by one and many at once. @type {import('../../types.js').Bench} */
export async function checkedReads({ quick }) {
  const { url, name } = await makeTable(KEYS)
  const table = await openTable(url, name)
  const dict = await table.open()
  const keys = shuffled(makeKeys(KEYS))
  const some = keys.slice(0, quick ? 20 : 100)
  const [rounds, warmUp] = quick ? [5, 1] : [151, 10]
  const one = await compare({
    ours: inSequence(some, key => dict.get(key)),
    base: inSequence(some, table.select),
    rounds,
    warmUp,
  })
  const many = await compare({
    ours: repeated(1, async () => (await Promise.all(keys.map(key => dict.get(key)))).length),
    base: repeated(1, async () => ((await table.select('service.setting.1')) === undefined ? 0 : 1)),
    rounds,
    warmUp,
  })
  const asked = await queriesOf(table.pool, () => Promise.all(keys.map(key => dict.get(key))))
  await dict.close()
  await table.close()
  return [
    compared('await get, autosync: true', 'one SELECT by primary key, pg alone', one, { atMost: 1.2 }),
    compared('1,000 overlapping gets, all together', 'one such SELECT', many),
    judged({ name: 'queries of 1,000 overlapping gets', ours: { value: asked, unit: 'calls' }, target: { atMost: 2 } }),
  ]
}

/** How many queries the work sends. @param {import('pg').Pool} pool @param {() => Promise<unknown>} work */
async function queriesOf(pool, work) {
  let count = 0
  const counted = () => {
    count += 1
  }
  pool.on('acquire', counted)
  await work()
  pool.off('acquire', counted)
  return count
}
