// @ts-check
import { changesBy } from '../../changes.js'
import { collect, compare } from '../../measure.js'
import { compared } from '../../rows.js'
import { makeTable, openTable } from './server.js'

/** What one change costs another replica: against a SELECT, and with few keys against many. @type {import('../../types.js').Bench} */
export async function catchUp({ quick }) {
  const [few, some, many] = quick ? [1_000, 5_000, 20_000] : [1_000, 100_000, 1_000_000]
  const [rounds, warmUp] = quick ? [5, 1] : [101, 10]
  const pair = await openPair(some)
  const measured = await compare({ ours: pair.sync, base: pair.select, rounds, warmUp })
  await pair.close()
  const [small, large] = [await openPair(few), await openPair(many)]
  collect()
  const flat = await compare({ ours: large.sync, base: small.sync, rounds, warmUp })
  await small.close()
  await large.close()
  const [left, middle, right] = [many, some, few].map(count => count.toLocaleString('en'))
  return [
    compared(`catching up after one change, ${middle} keys`, 'one SELECT by primary key, pg alone', measured, {
      atMost: 3,
    }),
    compared(`catching up after one change, ${left} keys`, `the same, ${right} keys`, flat, { atMost: 1.2 }),
  ]
}

/** Two replicas of one dictionary, over separate pools: one writes, the other catches up. @param {number} size */
async function openPair(size) {
  const { url, name } = await makeTable(size)
  const [writing, reading] = [await openTable(url, name), await openTable(url, name)]
  const writer = await writing.open({ autosync: false })
  const reader = await reading.open({ autosync: false })
  const changes = changesBy(writer, size, 11)
  return {
    sync: () => changes.timeAfter(() => reader.sync()),
    async select() {
      const time = await changes.timeAfter(() => reading.select(changes.key()))
      // So that the next one to catch up also has one change.
      await reader.sync()
      return time
    },
    async close() {
      await writer.close()
      await reader.close()
      await writing.close()
      await reading.close()
    },
  }
}
