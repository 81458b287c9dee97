// @ts-check
/** @import { Connect } from '../store.js' */
import { NAME } from '../store.js'
import { lossy } from './lossy.js'
import { openClient } from './postgres-client.js'

/** @typedef {{ type: 'postgres', url: string, client: 'pg' | 'postgres.js' | 'pg, PgBouncer' }} PostgresPlan */

/** How often a live dictionary polls without notifications, in ms. */
const POLL_EVERY = 100

/** A dictionary that opens during a fault gets no notifications, and polls from then on; a pooler passes none. */
const WARNINGS = ['DURABLEDICT_NO_NOTIFICATIONS', 'DURABLEDICT_POOLER']

/** @type {Connect<PostgresPlan>} */
export async function connect({ url, client: kind }, common, built) {
  /** @type {typeof import('../../../dist/index.js')} */
  const { DurableDict } = await built('index.js')
  /** @type {typeof import('../../../dist/backends/postgres/postgres-backend.js')} */
  const { PostgresBackend } = await built('backends/postgres/postgres-backend.js')
  /** @type {typeof import('../../../dist/backends/postgres/clients/recognise.js')} */
  const { databaseOf } = await built('backends/postgres/clients/recognise.js')
  /** @type {typeof import('../../../dist/conformance/faulty-backend.js')} */
  const { FaultyBackend } = await built('conformance/faulty-backend.js')
  const { source, disconnect, occupy } = await openClient(kind === 'postgres.js' ? kind : 'pg', url)
  return {
    open(options, channel) {
      const { timeout = 5_000 } = /** @type {{ timeout?: number }} */ (options)
      const its = { name: NAME, client: databaseOf(source), schemaName: 'public', timeout, pollEvery: POLL_EVERY }
      const backend = new PostgresBackend(its)
      return DurableDict.open(/** @type {any} */ (channel ? lossy(new FaultyBackend(backend), channel) : backend), {
        ...common,
        ...options,
      })
    },
    disconnect,
    occupy,
    warnings: WARNINGS,
  }
}
