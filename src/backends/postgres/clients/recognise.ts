import { nameOf } from '../../../clients/name-of.js'
import type { PostgresClient } from './client.js'
import { PgDatabase } from './pg.js'
import { PgLiteDatabase } from './pglite.js'
import { PostgresJsDatabase } from './postgres-js.js'
import { isPgClient, isPgLite, isPgPool, isPostgresJs } from './shapes.js'

/** @throws TypeError if it is none of the supported clients. */
export function databaseOf(client: unknown): PostgresClient {
  if (isPostgresJs(client)) return new PostgresJsDatabase(client)
  if (isPgLite(client)) return new PgLiteDatabase(client)
  if (isPgPool(client) || isPgClient(client)) return new PgDatabase(client)
  throw new TypeError(
    'PostgresDict.open() takes a Pool or a connected Client of pg, what postgres() of postgres.js returns, a PGlite, or a URL; got ' +
      `${nameOf(client)}.`,
  )
}
