import { type Dialect, run } from '../../sql/dialect.js'
import type { SqlSession } from '../../sql/sql-session.js'
import { toCount } from '../../sql/stored-tokens.js'
import type { TriggeredTable } from '../../sql/triggers/triggered-table.js'
import { triggersOf } from '../../sql/triggers/triggers.js'
import { COMMITS } from '../history/tables.js'
import type { ModelManager } from '../managers/manager.js'
import type { Inspection } from '../table/inspection.js'
import { CHANGES, EDITS, VERSIONS } from '../versions/table-names.js'
import { versionKey } from '../versions/version-key.js'

/** The state of a table's triggers. */
export type TriggerState = 'current' | 'none' | 'missing' | 'disabled' | 'old'

/** The version tables of models, as triggers need them. */
const MODEL_VERSIONS = { versions: VERSIONS, changes: CHANGES, commits: COMMITS, edits: EDITS } as const

/** Describes the model's table for the triggers. */
export function triggeredTable(
  dialect: Dialect,
  dictionary: string,
  { table, keyColumn, valueColumn, kind }: Pick<Inspection, 'table' | 'keyColumn' | 'valueColumn' | 'kind'>,
  wholeRows: boolean,
): TriggeredTable {
  const key = versionKey(dialect, { dictionary, table, keyColumn, valueColumn })
  return { table, keyColumn, valueColumn, kind, dictionary: key, wholeRows, versions: MODEL_VERSIONS }
}

/** Looks for the triggers of a table. */
export async function triggerState(
  session: SqlSession,
  { dialect: name }: Pick<ModelManager, 'dialect'>,
  dialect: Dialect,
  table: TriggeredTable,
): Promise<TriggerState> {
  const triggers = triggersOf(name)
  const found = new Map<string, boolean>()
  for (const row of await run(session, dialect, triggers.find(table))) {
    found.set(String(row.name), toCount(row.enabled) === 1)
  }
  if (found.size === 0) return 'none'
  const own = triggers.names(table)
  if (own.every(one => found.get(one))) return 'current'
  if (own.every(one => found.has(one))) return 'disabled'
  return [...found.values()].some(enabled => enabled) ? 'old' : 'missing'
}
