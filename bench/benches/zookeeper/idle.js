// @ts-check
import { ZookeeperDict } from '../../../dist/index.js'
import { judged } from '../../rows.js'
import { busyTime, makeDict, requestsOf } from './server.js'

/** What an open dictionary costs the server while nothing changes, and with a bound as well. @type {import('../../types.js').Bench} */
export async function idleCost({ quick }) {
  const { address, path } = await makeDict(100)
  const kinds = {
    'an idle dictionary': {},
    'an idle live dictionary': { live: true },
    'an idle live dictionary, maxStaleness: 2,000': { live: true, maxStaleness: 2_000 },
  }
  const rows = []
  for (const [name, options] of Object.entries(kinds)) {
    const open = Array.from({ length: quick ? 2 : 50 }, () => ZookeeperDict.open(path, address, options))
    const dicts = await Promise.all(open)
    rows.push(...(await rowsOf(name, dicts.length, quick ? 0.5 : 20)))
    await Promise.all(dicts.map(dict => dict.close()))
  }
  return rows
}

/** @param {string} name @param {number} dicts @param {number} seconds */
async function rowsOf(name, dicts, seconds) {
  const before = await busyTime()
  const requests = await requestsOf(() => new Promise(resolve => setTimeout(resolve, seconds * 1_000)))
  const busy = (await busyTime()) - before
  return [
    judged({ name: `${name}: requests per second`, ours: { value: requests / dicts / seconds, unit: 'calls' } }),
    judged({ name: `${name}: time of the server per second`, ours: { value: busy / dicts / seconds, unit: 'ns' } }),
  ]
}
