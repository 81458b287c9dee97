import type { DialectName } from '../../sql/dialect.js'
import { VERSION_TABLES, type VersionTable } from './columns.js'

/** What `new EntitySchema()` of TypeORM takes. */
export interface TypeormVersionEntity {
  readonly name: string
  readonly tableName: string
  // biome-ignore lint/suspicious/noExplicitAny: TypeORM's union of all types of columns, which this must fit.
  readonly columns: Record<string, any>
}

const BINARY = { charset: 'utf8mb4', collation: 'utf8mb4_bin' }

const TYPES = {
  postgresql: {
    name: { type: 'varchar', length: 255 },
    whole: { type: 'bigint' },
    real: { type: 'double precision' },
    long: { type: 'text' },
  },
  mysql: {
    name: { type: 'varchar', length: 255, ...BINARY },
    whole: { type: 'bigint' },
    real: { type: 'double' },
    long: { type: 'longtext', ...BINARY },
  },
  sqlite: { name: { type: 'text' }, whole: { type: 'integer' }, real: { type: 'real' }, long: { type: 'text' } },
} as const

/**
 * The tables of the versions as entities of TypeORM, for `entities` of a data source: `synchronize` and `migration:generate` then
 * create them.
 *
 * @example
 * entities: [Setting, ...typeormVersionEntities('postgresql').map(options => new EntitySchema(options))]
 */
export function typeormVersionEntities(dialect: DialectName): TypeormVersionEntity[] {
  return VERSION_TABLES.map(table => entityOf(table, dialect))
}

function entityOf({ name, model, columns }: VersionTable, dialect: DialectName): TypeormVersionEntity {
  const options = columns.map(column => {
    const { name, type, key = false, nullable = false } = column
    return [name, { ...TYPES[dialect][type], primary: key, nullable }] as const
  })
  return { name: model, tableName: name, columns: Object.fromEntries(options) }
}
