import type { ColumnKind, DialectName } from '../../sql/dialect.js'
import { dialectOf } from '../../sql/dialects/dialects.js'
import type { TriggeredTable } from '../../sql/triggers/triggered-table.js'
import { triggersOf } from '../../sql/triggers/triggers.js'
import { triggeredTable } from './model-triggers.js'

/** Which table gets triggers, by its names in the database, and for which dictionary. */
export interface VersionTriggersOptions {
  /** The table's name in the database. */
  readonly table: string
  /** The table's schema; with MySQL and MariaDB, its database, which you must name. Default: `'public'` with PostgreSQL. */
  readonly schema?: string | undefined
  /** The dictionary's name, as in `ModelDict.open`: by default what the application calls the model. Default: the table's name. */
  readonly name?: string | undefined
  /** The database's name of the key column. Default `'key'`. */
  readonly keyCol?: string | undefined
  /** The database's name of the value column. Default `'value'`. */
  readonly valueCol?: string | undefined
  /** What the value column holds: text, JSON (also `jsonb`), or bytes. Default `'text'`. */
  readonly kind?: ColumnKind | undefined
  /** As in `ModelDict.open`: whether a change of any column is a change. Default `false`. */
  readonly returnInstances?: boolean | undefined
}

/**
 * The statements that create triggers on a model's table, so that dictionaries follow changes by any program, and record them in the
 * history. Run them in a migration after those of `versionTables`, by the owner of the tables; again after an update of the
 * library that asks for it. `createTables(model, { triggers: true })` runs those that are needed.
 *
 * @throws TypeError for a missing schema on MySQL.
 * @example
 * for (const statement of versionTriggers('postgresql', { table: 'settings', kind: 'json' })) await pool.query(statement)
 */
export function versionTriggers(dialect: DialectName, options: VersionTriggersOptions): string[] {
  return [...triggersOf(dialect).create(tableOf(dialect, options))]
}

/**
 * The statements that remove the triggers of {@link versionTriggers}. Dictionaries then no longer follow changes by other programs.
 *
 * @example
 * for (const statement of dropVersionTriggers('postgresql', { table: 'settings' })) await pool.query(statement)
 */
export function dropVersionTriggers(dialect: DialectName, options: VersionTriggersOptions): string[] {
  return [...triggersOf(dialect).drop(tableOf(dialect, options))]
}

function tableOf(name: DialectName, options: VersionTriggersOptions): TriggeredTable {
  const dialect = dialectOf({ dialect: name, library: 'the caller' })
  const { table, keyCol = 'key', valueCol = 'value', kind = 'text', returnInstances = false } = options
  const schema = options.schema ?? (name === 'postgresql' ? 'public' : undefined)
  if (name === 'mysql' && schema === undefined) {
    throw new TypeError('versionTriggers() needs the name of the database, "schema", on MySQL and MariaDB.')
  }
  const place = { ...(schema !== undefined && { schema }), name: table }
  const found = { table: place, keyColumn: keyCol, valueColumn: valueCol, kind }
  return triggeredTable(dialect, options.name ?? table, found, returnInstances)
}
