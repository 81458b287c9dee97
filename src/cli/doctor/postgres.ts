import type { Cells } from '../../backends/postgres/clients/client.js'
import { withPostgres } from '../stores/postgres.js'
import { clockFindings, error, type Finding, warning } from './finding.js'

/** The oldest supported version, as the server numbers it. */
const OLDEST = 120_000

const TABLES = ['durabledict_entries', 'durabledict_heads', 'durabledict_changes', 'durabledict_commits']

const FACTS = `SELECT current_setting('server_version_num')::text, current_setting('server_version')::text,
  pg_is_in_recovery()::text, current_setting('fsync')::text, current_setting('synchronous_commit')::text,
  (extract(epoch FROM clock_timestamp()) * 1000)::text`

/** One row for each table of the dictionary: whether it exists, is durable, and may be read and written. */
const RIGHTS = `SELECT t.name::text, (c.oid IS NOT NULL)::text, coalesce(c.relpersistence = 'u', false)::text,
  coalesce(has_table_privilege(c.oid, 'SELECT'), false)::text,
  coalesce(has_table_privilege(c.oid, 'INSERT') AND has_table_privilege(c.oid, 'UPDATE') AND has_table_privilege(c.oid, 'DELETE'), false)::text
  FROM unnest(string_to_array($1, ',')) AS t(name) LEFT JOIN pg_class c ON c.oid = to_regclass(t.name)`

/** Triggers of the entries by which edits with SQL are followed, and whether each is enabled. */
const TRIGGERS = `SELECT tgname::text, (tgenabled IN ('O', 'A'))::text FROM pg_trigger
  WHERE tgrelid = to_regclass('durabledict_entries') AND NOT tgisinternal`

/** Looks at the settings of a PostgreSQL server, and at the tables of the dictionaries. */
export async function postgresFindings(url: string, timeout: number): Promise<Finding[]> {
  return await withPostgres(url, timeout, async query => {
    const asked = Date.now()
    const [facts] = await query(FACTS)
    const answered = Date.now()
    const tables = await query(RIGHTS, [TABLES.join(',')])
    return [
      ...serverFindings(facts ?? [], asked, answered),
      ...tableFindings(tables),
      ...triggerFindings(tables, await query(TRIGGERS)),
    ]
  })
}

/** What the server says of itself. */
export function serverFindings(
  [number = '', version = '', isReplica, fsync, commits, clock]: Cells,
  asked: number,
  answered: number,
): Finding[] {
  const old =
    Number(number) < OLDEST
      ? [error('version', `The server is PostgreSQL ${version}.`, 'Update it to PostgreSQL 12 or later.')]
      : []
  const role =
    isReplica === 'true'
      ? [error('role', 'The server is a standby, which may be behind and refuses writes.', 'Connect to the primary.')]
      : []
  return [...old, ...role, ...durabilityFindings(fsync, commits), ...clockFindings(Number(clock), asked, answered)]
}

function durabilityFindings(fsync: string | null | undefined, commits: string | null | undefined): Finding[] {
  if (fsync === 'off')
    return [error('persistence', 'The setting fsync is off: a crash may damage the database.', 'Set fsync = on.')]
  if (commits !== 'off') return []
  return [
    warning(
      'persistence',
      'The setting synchronous_commit is off: a crash loses the latest writes.',
      'Set synchronous_commit = on for this user or database.',
    ),
  ]
}

function tableFindings(rows: readonly Cells[]): Finding[] {
  const names = (column: number, wanted: string) =>
    rows
      .filter(row => row[1] === 'true' && row[column] === wanted)
      .map(([name]) => name)
      .join(', ')
  const missing = rows
    .filter(row => row[1] !== 'true')
    .map(([name]) => name)
    .join(', ')
  const [unlogged, unreadable, unwritable] = [names(2, 'true'), names(3, 'false'), names(4, 'false')]
  return [
    ...(missing
      ? [
          error(
            'tables',
            `There is no table ${missing}.`,
            'Open a PostgresDict once with the right to create them, or run the SQL of migration().',
          ),
        ]
      : []),
    ...(unlogged ? [error('persistence', `A crash empties ${unlogged}: unlogged.`, 'ALTER TABLE … SET LOGGED.')] : []),
    ...(unreadable ? [error('rights', `The user may not read ${unreadable}.`, 'GRANT SELECT on it.')] : []),
    ...(unwritable && !unreadable
      ? [
          error(
            'rights',
            `The user may not write to ${unwritable}.`,
            'GRANT SELECT, INSERT, UPDATE, DELETE on it, unless this user is to read only.',
          ),
        ]
      : []),
  ]
}

function triggerFindings(tables: readonly Cells[], triggers: readonly Cells[]): Finding[] {
  if (tables.some(([name, exists]) => name === 'durabledict_entries' && exists !== 'true')) return []
  const disabled = triggers.filter(([, enabled]) => enabled !== 'true').map(([name]) => name)
  if (triggers.length > 0 && disabled.length === 0) return []
  const what = triggers.length === 0 ? 'has no triggers' : `has disabled triggers (${disabled.join(', ')})`
  return [
    error(
      'triggers',
      `Table durabledict_entries ${what}: edits with SQL are not followed.`,
      'Run the SQL of migration() again, or ALTER TABLE durabledict_entries ENABLE TRIGGER ALL.',
    ),
  ]
}
