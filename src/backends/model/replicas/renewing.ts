import { type Dialect, run, type Statement } from '../../sql/dialect.js'
import type { Renewal, RenewRows } from '../../sql/replicas/renewals.js'
import type { SqlRow, SqlSession } from '../../sql/sql-session.js'
import { newNonce } from '../../sql/version.js'
import { REPLICAS } from '../versions/table-names.js'
import { fromTables } from '../versions/tables.js'
import { REPLICAS_SQL } from './tables.js'

/** Renews rows of models: by one statement on PostgreSQL, two elsewhere. */
export function renewing(session: SqlSession, dialect: Dialect): RenewRows {
  return async (some, due) => {
    let rows: readonly SqlRow[] = []
    for (const statement of statementsFor(dialect, some, due)) rows = await run(session, dialect, statement)
    return fromTables(dialect, rows)
  }
}

function statementsFor(dialect: Dialect, some: readonly Renewal[], due: readonly string[]): Statement[] {
  const dicts = [...new Set(some.map(({ dict }) => dict))]
  const token = newNonce()
  const ids = some.map(({ id }) => id)
  const versions = some.flatMap(({ id, version }) => [id, typeof version === 'string' ? version : null])
  const renew = REPLICAS_SQL.renew(dialect, dicts.length, ids.length)
  const found = REPLICAS_SQL.renewed(dialect, dicts.length, dialect.joined ? 'w0' : REPLICAS)
  const stale = due.length === 0 ? '' : ` ${REPLICAS_SQL.stale(dialect, due.length)}`
  const statements = [
    {
      sql: dialect.joined ? `${renew} RETURNING dict, id, renewal` : renew,
      parameters: [token, ...versions, ...dicts, ...ids],
    },
    { sql: `${found}${stale}`, parameters: [...dicts, token, ...due] },
  ]
  return dialect.joined ? [dialect.joined(statements)] : statements
}
