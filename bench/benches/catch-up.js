// @ts-check
import { changesBy } from '../changes.js'
import { collect, compare } from '../measure.js'
import { compared } from '../rows.js'

/** @typedef {import('../types.js').Context} Context */

/** What one change costs another replica, with few keys and with many. @type {import('../types.js').Bench} */
export async function catchUp(context) {
  const few = 1_000
  const many = context.quick ? 20_000 : 1_000_000
  const [small, large] = [await pair(context, few), await pair(context, many)]
  collect()
  const measured = await compare({ ours: large.sync, base: small.sync, rounds: context.quick ? 5 : 31 })
  await small.close()
  await large.close()
  const [left, right] = [many.toLocaleString('en'), few.toLocaleString('en')]
  return [compared(`catching up after one change, ${left} keys`, `the same, ${right} keys`, measured, { atMost: 2 })]
}

/** Two replicas of one dictionary: one writes, the other catches up. @param {Context} context @param {number} size */
async function pair(context, size) {
  const place = await context.place(size)
  const writer = await place.open({ autosync: false })
  const reader = await place.open({ autosync: false })
  const changes = changesBy(writer, size, context.quick ? 5 : 15)
  return {
    /** The time of one `sync` after one change. */
    sync: () => changes.timeAfter(() => reader.sync()),
    async close() {
      await writer.close()
      await reader.close()
    },
  }
}
