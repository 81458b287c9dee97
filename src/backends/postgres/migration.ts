import { postgresql } from '../sql/dialects/postgresql.js'
import { checkSchemaName, inSchema } from './names.js'
import advance from './scripts/advance.sql'
import begin from './scripts/begin.sql'
import commit from './scripts/commit.sql'
import edited from './scripts/edited.sql'
import policy from './scripts/policy.sql'
import push from './scripts/push.sql'
import replicas from './scripts/replicas.sql'
import set from './scripts/set.sql'
import side from './scripts/side.sql'
import since from './scripts/since.sql'
import tables from './scripts/tables.sql'
import trim from './scripts/trim.sql'
import { triggersIn } from './triggers.js'

/** In the order in which they need each other. */
const SCRIPTS = [tables, begin, side, since, trim, push, advance, commit, set, policy, edited, replicas]

/** The schema of tables if none is named. */
export const DEFAULT_SCHEMA = 'public'

/** Options of {@link migration}. */
export interface MigrationOptions {
  /** The schema of the tables, which must exist. Default `'public'`. */
  readonly schemaName?: string | undefined
}

/**
 * Returns the SQL that creates the tables, functions and triggers of `PostgresDict`, for a migration: run it once, as one script, by a user who may
 * create them. It leaves tables alone that exist. `open` runs it itself if they are missing.
 *
 * @example
 * import { migration } from 'durabledict/postgres'
 *
 * console.log(migration({ schemaName: 'app' }))
 */
export function migration({ schemaName = DEFAULT_SCHEMA }: MigrationOptions = {}): string {
  checkSchemaName(schemaName)
  return [inSchema(SCRIPTS.join('\n'), schemaName), ...triggersIn(schemaName).map(sql => `${sql};`)].join('\n')
}

/** The same as one transaction, in which processes take turns, and which creates the schema as well. */
export function creation(schemaName: string): string {
  const lock = `SELECT pg_advisory_xact_lock(hashtextextended('durabledict_entries', 0))::text`
  const schema = `CREATE SCHEMA IF NOT EXISTS ${postgresql.quote(schemaName)}`
  // What exists is reported by notices, which some clients print.
  const quiet = `SELECT set_config('client_min_messages', 'warning', true)`
  return `${quiet};\n${lock};\n${schemaName === DEFAULT_SCHEMA ? '' : `${schema};\n`}${migration({ schemaName })}`
}
