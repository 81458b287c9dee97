import { builtin } from '../../../process/builtin.js'
import { type Dialect, quoted, type Table } from '../../sql/dialect.js'

/** The longest name of a version, in characters: that of memcached's keys, less what others put before it. */
const LONGEST_KEY = 200

/** What a version belongs to. Columns are those of the database. */
export interface Versioned {
  readonly dictionary: string
  readonly table: Table
  readonly keyColumn: string
  readonly valueColumn: string
}

/** Two dictionaries never share a version: not those of two tables or columns, nor of two names. */
export function versionKey(dialect: Dialect, { dictionary, table, keyColumn, valueColumn }: Versioned): string {
  const parts = [dictionary, quoted(dialect, table), keyColumn, valueColumn]
  const key = `durabledict:${parts.map(encodeURIComponent).join(':')}`
  if (key.length <= LONGEST_KEY) return key
  return `${key.slice(0, LONGEST_KEY - 33)}:${builtin.crypto.createHash('sha256').update(key).digest('hex').slice(0, 32)}`
}
