import type { DialectName } from '../../sql/dialect.js'
import { VERSION_TABLES, type VersionTable } from './columns.js'

const TYPES = { name: 'String', whole: 'BigInt', real: 'Float', long: 'String' } as const

/**
 * The tables of the versions as models of Prisma, to be added to `schema.prisma`: Prisma Migrate then creates them, and neither
 * it nor `db push` drops them.
 *
 * @example
 * console.log(prismaVersionModels('postgresql'))
 */
export function prismaVersionModels(dialect: DialectName): string {
  return VERSION_TABLES.map(table => modelOf(table, dialect)).join('\n\n')
}

function modelOf({ name, model, columns }: VersionTable, dialect: DialectName): string {
  const keys = columns.filter(({ key }) => key).map(column => column.name)
  const fields = columns.map(column => {
    const only = column.key && keys.length === 1 ? ' @id' : ''
    return `  ${column.name} ${TYPES[column.type]}${column.nullable ? '?' : ''}${only}${nativeType(column.type, dialect)}`
  })
  const together = keys.length > 1 ? [`  @@id([${keys.join(', ')}])`] : []
  return [`model ${model} {`, ...fields, '', ...together, `  @@map("${name}")`, '}'].join('\n')
}

function nativeType(type: keyof typeof TYPES, dialect: DialectName): string {
  if (dialect === 'sqlite') return ''
  if (type === 'name') return ' @db.VarChar(255)'
  return type === 'long' && dialect === 'mysql' ? ' @db.LongText' : ''
}
