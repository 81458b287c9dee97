// @ts-check
import { spread } from '../../measure.js'
import { judged } from '../../rows.js'
import { makeKeys, makeSample } from '../../samples.js'
import { CLIENTS } from './clients.js'
import { filledRivals } from './rivals.js'
import { connect, infoOf, makeHash } from './server.js'

const KEYS = 1_000

/** The bytes on the wire in both directions, as the server counts them. @type {import('../../types.js').Bench} */
export async function bytesOnTheWire({ quick }) {
  const size = quick ? 2_000 : 100_000
  const { url, name } = await makeHash(size)
  const open = /** @type {NonNullable<typeof CLIENTS[string]>} */ (CLIENTS['node-redis'])
  const [client, other, admin] = [await open(url), await open(url), await connect(url)]
  const count = await makeCounter(admin)
  const [dict, reader] = [await client.open(name), await other.open(name, { autosync: false })]
  const keys = makeKeys(KEYS)
  const value = makeSample(1)
  const stored = '[{"enabled":1,"limit":2,"label":3},false,1,"Setting number 1"]'
  await client.set('plain', stored)
  await dict.set('first', value)

  const [key = ''] = keys
  const read = await count(
    times(100, () => dict.get(key)),
    100,
  )
  const get = await count(
    times(100, () => client.get('plain')),
    100,
  )
  const reads = await count(() => Promise.all(keys.map(key => dict.get(key))))
  const gets = await count(() => Promise.all(keys.map(key => client.hget(name, key))))
  const write = await count(
    times(100, () => dict.set(key, value)),
    100,
  )
  const hset = await count(
    times(100, () => client.hset('other', key, stored)),
    100,
  )
  const writes = await count(() => Promise.all(keys.slice(0, 500).map(key => dict.set(key, value))))
  const hsets = await count(() => Promise.all(keys.slice(0, 500).map(key => client.hset('other', key, stored))))
  await reader.sync()
  await dict.set(key, value)
  const caughtUp = await count(() => reader.sync())
  const opened = await count(async () => (await other.open(name)).close())
  const all = await count(() => client.hgetall(name))
  await reader.close()
  const live = await other.open(name, { live: true, autosync: false })
  const pushed =
    (await count(
      times(100, () => dict.set(key, value)),
      100,
    )) - write
  await live.close()

  const title = `${size.toLocaleString('en')} entries`
  const rows = [
    row('an unchanged dictionary: await get, autosync: true', read, 'GET', get),
    row('1,000 overlapping gets', reads, '1,000 HGETs', gets),
    row('await set', write, 'HSET', hset),
    row('500 overlapping sets', writes, '500 HSETs', hsets),
    row(`catching up after one change, ${title}`, caughtUp, 'HGETALL', all),
    row(`open, ${title}`, opened, 'HGETALL', all),
    row('what a live replica more costs per set', pushed, 'GET', get),
  ]
  for (const rival of await filledRivals(url, 10, quick)) {
    const theirs = await count(
      times(100, () => rival.set(key, value)),
      100,
    )
    rows.push(row('await set', write, `set of ${rival.name}`, theirs))
    if (!rival.cached) {
      rows.push(
        row(
          'await get, autosync: true',
          read,
          `get of ${rival.name}`,
          await count(
            times(100, () => rival.get(key)),
            100,
          ),
        ),
      )
    }
    await rival.close()
  }
  await dict.close()
  admin.destroy()
  for (const each of [client, other]) each.close()
  return rows
}

/** @param {number} count @param {() => Promise<unknown>} work */
const times = (count, work) => async () => {
  for (let index = 0; index < count; index += 1) await work()
}

/** Counts the bytes of some work, without those of the measurement. @param {Awaited<ReturnType<typeof connect>>} admin */
async function makeCounter(admin) {
  const total = async () => {
    const stats = await infoOf(admin, 'stats')
    return Number(stats.get('total_net_input_bytes')) + Number(stats.get('total_net_output_bytes'))
  }
  const between = async (/** @type {() => Promise<unknown>} */ work) => {
    const before = await total()
    await work()
    return (await total()) - before
  }
  const own = await between(async () => {})
  return async (/** @type {() => Promise<unknown>} */ work, per = 1) => ((await between(work)) - own) / per
}

/** @param {string} what @param {number} ours @param {string} baseName @param {number} base */
function row(what, ours, baseName, base) {
  return judged({
    name: `bytes on the wire: ${what}`,
    ours: { value: ours, unit: 'B' },
    base: { name: baseName, value: base, unit: 'B' },
    ratio: { ...spread([ours / base]), of: 'size' },
  })
}
