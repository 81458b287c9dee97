import type { DrizzleTable } from '../managers/drizzle/drizzle-manager.js'
import { VERSION_TABLES, type VersionTable } from './columns.js'

/** The module `drizzle-orm/pg-core`, `drizzle-orm/mysql-core` or `drizzle-orm/sqlite-core`. */
export interface DrizzleBuilders {
  primaryKey(options: never): unknown
  text(...options: never): unknown
}

/** The tables of the versions, as Drizzle has them. */
export interface DrizzleVersionTables {
  readonly durabledictVersions: DrizzleTable
  readonly durabledictChanges: DrizzleTable
  readonly durabledictCommits: DrizzleTable
  readonly durabledictReplicas: DrizzleTable
}

interface Column {
  notNull(): Column
  primaryKey(): Column
}

type Build = (name: string, options?: object) => Column
type TableOf = (
  name: string,
  columns: Record<string, Column>,
  extra?: (table: Record<string, unknown>) => unknown[],
) => never
type Builders = Readonly<Record<string, Build & TableOf>> & { primaryKey(options: object): unknown }

/** Builders by type of column, as each database calls them. */
const TYPES = {
  pgTable: { name: 'varchar', whole: 'bigint', real: 'doublePrecision', long: 'text' },
  mysqlTable: { name: 'varchar', whole: 'bigint', real: 'double', long: 'longtext' },
  sqliteTable: { name: 'text', whole: 'integer', real: 'real', long: 'text' },
} as const

const OPTIONS: Readonly<Record<string, object>> = { varchar: { length: 255 }, bigint: { mode: 'number' } }

/**
 * The tables of the versions, for a schema of Drizzle: `drizzle-kit` then knows them, and `push` does not drop them.
 *
 * @param builders - the module that your tables are made by.
 * @throws TypeError for another module.
 * @example
 * import * as pg from 'drizzle-orm/pg-core'
 *
 * export const { durabledictVersions, durabledictChanges, durabledictCommits, durabledictReplicas } = drizzleVersionTables(pg)
 */
export function drizzleVersionTables(builders: DrizzleBuilders): DrizzleVersionTables {
  const core = builders as unknown as Builders
  const kind = (Object.keys(TYPES) as (keyof typeof TYPES)[]).find(name => typeof core[name] === 'function')
  if (!kind) {
    throw new TypeError(
      'drizzleVersionTables() takes the module drizzle-orm/pg-core, drizzle-orm/mysql-core or drizzle-orm/sqlite-core.',
    )
  }
  const [versions, changes, commits, replicas] = VERSION_TABLES
  return {
    durabledictVersions: tableOf(core, kind, versions),
    durabledictChanges: tableOf(core, kind, changes),
    durabledictCommits: tableOf(core, kind, commits),
    durabledictReplicas: tableOf(core, kind, replicas),
  }
}

function tableOf(core: Builders, kind: keyof typeof TYPES, { name, columns }: VersionTable): DrizzleTable {
  const keys = columns.filter(({ key }) => key)
  const built = columns.map(column => {
    const builder = TYPES[kind][column.type]
    const plain = (core[builder] as Build)(column.name, OPTIONS[builder])
    const required = column.nullable ? plain : plain.notNull()
    return [column.name, column.key && keys.length === 1 ? required.primaryKey() : required] as const
  })
  const table = core[kind] as TableOf
  if (keys.length === 1) return table(name, Object.fromEntries(built))
  return table(name, Object.fromEntries(built), own => [
    // Named as the database names it by itself, so that nothing differs.
    core.primaryKey({ name: kind === 'pgTable' ? `${name}_pkey` : undefined, columns: keys.map(key => own[key.name]) }),
  ])
}
