// @ts-check
import { compare, repeated } from '../../measure.js'
import { compared, judged } from '../../rows.js'
import { makeKeys, shuffled } from '../../samples.js'
import { withEachClient } from './clients.js'
import { makeDict, requestsOf } from './server.js'

const KEYS = 1_000

/** Checked reads in a healthy session: by the last watch event, and with a barrier. @type {import('../../types.js').Bench} */
export async function checkedReads({ quick }) {
  const { address, path } = await makeDict(KEYS)
  const keys = shuffled(makeKeys(KEYS))
  return withEachClient(address, async client => [
    ...(await watched(client, path, keys, quick)),
    ...(await withBarrier(client, path, keys, quick)),
  ])
}

/** @param {import('./clients.js').Client} client @param {string} path @param {readonly string[]} keys @param {boolean} quick */
async function watched(client, path, keys, quick) {
  const dict = await client.open(path)
  const { local } = dict
  const passes = quick ? 5 : 100
  const checked = async () => {
    let sum = 0
    for (let pass = 0; pass < passes; pass += 1) {
      for (const key of keys) sum = (sum + ((await dict.get(key))?.limit ?? 0)) | 0
    }
    return sum
  }
  const measured = await compare({
    ours: repeated(KEYS * passes, checked),
    base: repeated(KEYS * passes, async () => {
      let sum = 0
      for (let pass = 0; pass < passes; pass += 1) {
        for (const key of keys) sum = (sum + ((await local.get(key))?.limit ?? 0)) | 0
      }
      return sum
    }),
    rounds: quick ? 5 : 31,
  })
  const asked = await requestsOf(checked)
  await dict.close()
  const reads = (KEYS * passes).toLocaleString('en')
  return [
    compared(`await get, autosync: true (${client.name})`, 'await local.get', measured, { atMost: 3 }),
    judged({
      name: `requests of ${reads} such reads (${client.name})`,
      ours: { value: asked, unit: 'calls' },
      target: { atMost: 0 },
    }),
  ]
}

/** @param {import('./clients.js').Client} client @param {string} path @param {readonly string[]} keys @param {boolean} quick */
async function withBarrier(client, path, keys, quick) {
  const dict = await client.open(path, { consistency: 'linearizable' })
  const other = `${path}-other`
  const plain = await client.open(other)
  await plain.set('plain', { enabled: true, limit: 0, label: '' })
  const setData = repeated(1, async () => Number(await client.setData(`${other}/plain`, Buffer.from('0'))) | 0)
  const [rounds, warmUp] = quick ? [5, 1] : [301, 30]
  const one = await compare({
    ours: repeated(1, async () => (await dict.get(keys[0] ?? ''))?.limit ?? 0),
    base: setData,
    rounds,
    warmUp,
  })
  const many = await compare({
    // The total time, not the time of each.
    ours: repeated(1, async () => (await Promise.all(keys.map(key => dict.get(key)))).length),
    base: setData,
    rounds,
    warmUp,
  })
  await plain.close()
  await dict.close()
  return [
    compared(`await get, consistency: 'linearizable' (${client.name})`, 'one bare setData', one),
    compared(
      `1,000 overlapping gets, consistency: 'linearizable', all together (${client.name})`,
      'one bare setData',
      many,
    ),
  ]
}
