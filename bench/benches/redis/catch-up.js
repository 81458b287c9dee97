// @ts-check
import { changesBy } from '../../changes.js'
import { collect, compare } from '../../measure.js'
import { compared } from '../../rows.js'
import { makeSample } from '../../samples.js'
import { CLIENTS } from './clients.js'
import { makeHash } from './server.js'

/** What one change costs another replica: against a GET, and with few keys against many. @type {import('../../types.js').Bench} */
export async function catchUp({ quick }) {
  const [few, some, many] = quick ? [1_000, 5_000, 20_000] : [1_000, 100_000, 1_000_000]
  const rounds = quick ? 5 : 101
  const rows = []
  for (const client of Object.keys(CLIENTS)) {
    const pair = await openPair(client, some)
    const measured = await compare({ ours: pair.sync, base: pair.get, rounds, warmUp: quick ? 1 : 10 })
    const name = `catching up after one change, ${some.toLocaleString('en')} keys (${client})`
    rows.push(compared(name, 'GET', measured, { atMost: 1.5 }))
    await pair.close()
  }
  const [small, large] = [await openPair('node-redis', few), await openPair('node-redis', many)]
  collect()
  const measured = await compare({ ours: large.sync, base: small.sync, rounds, warmUp: quick ? 1 : 10 })
  await small.close()
  await large.close()
  const [left, right] = [many.toLocaleString('en'), few.toLocaleString('en')]
  return [
    ...rows,
    compared(`catching up after one change, ${left} keys`, `the same, ${right} keys`, measured, { atMost: 1.2 }),
  ]
}

/**
 * Two replicas of one dictionary, over separate clients: one writes, the other catches up. @param {string} kind @param
 * {number} size
 */
async function openPair(kind, size) {
  const open = /** @type {NonNullable<typeof CLIENTS[string]>} */ (CLIENTS[kind])
  const { url, name } = await makeHash(size)
  const [writing, reading] = [await open(url), await open(url)]
  const writer = await writing.open(name, { autosync: false })
  const reader = await reading.open(name, { autosync: false })
  await writing.set('plain', JSON.stringify(makeSample(1)))
  const changes = changesBy(writer, size, 15)
  return {
    sync: () => changes.timeAfter(() => reader.sync()),
    async get() {
      const time = await changes.timeAfter(() => reading.get('plain'))
      // So that the next one to catch up also has one change.
      await reader.sync()
      return time
    },
    async close() {
      await writer.close()
      await reader.close()
      writing.close()
      reading.close()
    },
  }
}
