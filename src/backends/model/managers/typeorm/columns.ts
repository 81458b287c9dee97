import type { ColumnKind } from '../../../sql/dialect.js'
import type { Column, Metadata } from './shape.js'

const TEXT: readonly unknown[] = [
  ...[String, 'text', 'varchar', 'character varying', 'char', 'character', 'citext', 'nvarchar', 'nchar', 'clob'],
  ...['tinytext', 'mediumtext', 'longtext'],
]
const JSON_TYPES: readonly unknown[] = ['json', 'jsonb', 'simple-json']
const BYTES: readonly unknown[] = ['bytea', 'blob', 'tinyblob', 'mediumblob', 'longblob', 'binary', 'varbinary']

/** What a column holds; `undefined` where the database knows better. */
export function kindOf({ type }: Column): ColumnKind | undefined {
  if (TEXT.includes(type)) return 'text'
  if (JSON_TYPES.includes(type)) return 'json'
  const isBytes = BYTES.includes(type) || (typeof type === 'function' && type.prototype instanceof Uint8Array)
  return isBytes ? 'bytes' : undefined
}

/** @throws TypeError where the entity has no such column. */
export function columnOf(metadata: Metadata, property: string): Column {
  const column = metadata.findColumnWithPropertyPath(property)
  if (!column) throw new TypeError(`The entity ${metadata.name} has no column "${property}".`)
  return column
}
