// @ts-check
import { join } from 'node:path'
import { PostgresDict, SqliteDict } from '../../../dist/index.js'
import { processorTimeOf } from '../../processor-time.js'
import { judged } from '../../rows.js'
import { clientOf, makeTable } from '../postgres/server.js'

const DICTIONARIES = 10

/** What idle live dictionaries cost on stores without a shared heartbeat. @type {import('../../types.js').Bench} */
export async function idleStores({ quick, folder }) {
  const ms = quick ? 1_000 : 20_000
  const { url, name } = await makeTable(10)
  const { client, end } = clientOf('pg', url)
  const onPostgres = await idle(
    ms,
    count => PostgresDict.open(`${name}_${count}`, client, { live: true }),
    () => processorTimeOf('postgres'),
  )
  await end()
  const onSqlite = await idle(ms, count => SqliteDict.open(`settings_${count}`, join(folder, 'app.db'), { live: true }))
  return [
    judged({
      name: 'PostgresDict, an idle live dictionary: processor time of the server, a second',
      ours: { value: onPostgres.server, unit: 'ns' },
    }),
    judged({
      name: 'PostgresDict, the same: of the process that holds it',
      ours: { value: onPostgres.own, unit: 'ns' },
    }),
    judged({
      name: 'SqliteDict, an idle live dictionary: processor time of the process that holds it, a second',
      ours: { value: onSqlite.own, unit: 'ns' },
    }),
  ]
}

/**
 * The processor time of each dictionary and second, in ns.
 * @param {number} ms
 * @param {(count: number) => Promise<{ close(): Promise<void> }>} open
 * @param {() => number} [ofServer]
 */
async function idle(ms, open, ofServer = () => 0) {
  const dicts = []
  for (let count = 0; count < DICTIONARIES; count += 1) dicts.push(await open(count))
  const [began, server] = [process.cpuUsage(), ofServer()]
  await new Promise(resolve => setTimeout(resolve, ms))
  const { user, system } = process.cpuUsage(began)
  const each = DICTIONARIES * (ms / 1_000)
  const found = { own: ((user + system) * 1e3) / each, server: (ofServer() - server) / each }
  for (const dict of dicts) await dict.close()
  return found
}
