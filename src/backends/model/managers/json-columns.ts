import type { DialectName } from '../../sql/dialect.js'
import type { SqlSession } from '../../sql/sql-session.js'
import type { ModelManager } from './manager.js'

/** Columns of JSON, also where their type is a domain over it. */
const POSTGRESQL = `SELECT a.attname AS name FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid
WHERE a.attrelid = to_regclass($1) AND NOT a.attisdropped
AND coalesce(nullif(t.typbasetype, 0), t.oid) IN ('json'::regtype, 'jsonb'::regtype)`

/** MariaDB calls them long text, and tells the driver that they are JSON. */
const MYSQL = `SELECT column_name AS name FROM information_schema.columns
WHERE table_schema = coalesce(?, database()) AND table_name = ? AND data_type IN ('json', 'longtext')`

/** The type that a column is cast to, so that the driver leaves its text alone. */
export const TEXT: Readonly<Record<DialectName, string>> = { postgresql: 'text', mysql: 'char', sqlite: 'text' }

/**
 * Which columns of a table the driver may parse as JSON, by their names in the database: for libraries that have no model to
 * say so. Asked once; a table that is missing has none.
 */
export class JsonColumns {
  readonly #of: Pick<ModelManager, 'dialect' | 'table'>
  #found: ReadonlySet<unknown> | undefined

  constructor(of: Pick<ModelManager, 'dialect' | 'table'>) {
    this.#of = of
  }

  async read(session: SqlSession): Promise<ReadonlySet<unknown>> {
    this.#found ??= new Set((await this.#ask(session)).map(({ name }) => name))
    return this.#found
  }

  async #ask(session: SqlSession) {
    const { dialect, table } = this.#of
    // In SQLite JSON is text, and read as such.
    if (dialect === 'sqlite') return []
    if (dialect === 'mysql') return session.query(MYSQL, [table.schema ?? null, table.name])
    const names = table.schema === undefined ? [table.name] : [table.schema, table.name]
    return session.query(POSTGRESQL, [names.map(name => `"${name.replaceAll('"', '""')}"`).join('.')])
  }
}
