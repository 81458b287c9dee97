import type { Dialect, DialectName } from '../dialect.js'
import { mysql } from './mysql.js'
import { postgresql } from './postgresql.js'
import { sqlite } from './sqlite.js'

const DIALECTS: Readonly<Record<DialectName, Dialect>> = { postgresql, mysql, sqlite }

/**
 * Returns the dialect that a library's client names.
 *
 * @throws TypeError if the name is not one of a dialect.
 */
export function dialectOf({ dialect, library }: { dialect: DialectName; library: string }): Dialect {
  if (Object.hasOwn(DIALECTS, dialect)) return DIALECTS[dialect]
  throw new TypeError(
    `The manager of ${library} names the dialect "${dialect}"; the known dialects are ${Object.keys(DIALECTS).join(', ')}.`,
  )
}
