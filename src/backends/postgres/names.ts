import { builtin } from '../../process/builtin.js'
import { postgresql } from '../sql/dialects/postgresql.js'

/** The longest name of a dictionary, in bytes: an index entry holds it together with a key. */
const LONGEST_NAME = 1_024

/** The longest name of a schema, in bytes: PostgreSQL cuts longer ones. */
const LONGEST_SCHEMA = 63

/** Delimits the bodies of functions. */
const DELIMITER = '$durabledict$'

/** @throws TypeError if the name is not a non-empty, well-formed string of bounded length. */
export function checkName(name: unknown): asserts name is string {
  if (typeof name === 'string' && name !== '' && name.isWellFormed() && Buffer.byteLength(name) <= LONGEST_NAME) return
  throw new TypeError(
    `PostgresDict.open() takes a name, which must be a non-empty, well-formed string of at most ${LONGEST_NAME} bytes.`,
  )
}

/** @throws TypeError if it is not the name of a schema. */
export function checkSchemaName(name: unknown): asserts name is string {
  const isName = typeof name === 'string' && name !== '' && name.isWellFormed() && !name.includes('\0')
  if (isName && Buffer.byteLength(name) <= LONGEST_SCHEMA && !name.includes(DELIMITER)) return
  throw new TypeError(
    `Option "schemaName" of PostgresDict must be the name of a schema, of at most ${LONGEST_SCHEMA} bytes.`,
  )
}

/** The SQL with the quoted name of the schema in each place that is marked with `@schema@`. */
export function inSchema(sql: string, schemaName: string): string {
  return sql.replaceAll('@schema@', () => postgresql.quote(schemaName))
}

/** The channel of a dictionary's changes, as the database computes it: known to those who may read the epoch. */
export function channelOf(dictionary: string, epoch: string): string {
  return channelNamed('durabledict', `${epoch} ${dictionary}`)
}

/** The channel that says that a dictionary was created. */
export function beginningsOf(dictionary: string): string {
  return channelNamed('durabledict', dictionary)
}

/** The channel of a dictionary's acknowledgements, to which only those listen who wait for some. */
export function acknowledgementsOf(dictionary: string, schemaName: string): string {
  return channelNamed('durabledict_ack', `${schemaName} ${dictionary}`)
}

/** A hash, because names of channels must be short. */
function channelNamed(prefix: string, text: string): string {
  return `${prefix}_${builtin.crypto.createHash('sha256').update(text).digest('hex').slice(0, 32)}`
}
