import type { DialectName, Statement } from '../dialect.js'
import {
  dropPostgresqlTriggers,
  findPostgresqlTriggers,
  postgresqlTriggerNames,
  postgresqlTriggers,
} from './postgresql.js'
import { dropSqliteTriggers, findSqliteTriggers, sqliteTriggerNames, sqliteTriggers } from './sqlite.js'
import type { TriggeredTable } from './triggered-table.js'

/** The triggers of one database. */
export interface Triggers {
  /** The statements that create the triggers, or replace those of an earlier release. */
  create(table: TriggeredTable): readonly string[]
  /** The statements that remove them. */
  drop(table: TriggeredTable): readonly string[]
  /** Selects what there is of them: `name`, `enabled`. */
  find(table: TriggeredTable): Statement
  /** The names of those that this release creates. */
  names(table: TriggeredTable): readonly string[]
}

const TRIGGERS: Readonly<Partial<Record<DialectName, Triggers>>> = {
  postgresql: {
    create: postgresqlTriggers,
    drop: dropPostgresqlTriggers,
    find: findPostgresqlTriggers,
    names: postgresqlTriggerNames,
  },
  sqlite: { create: sqliteTriggers, drop: dropSqliteTriggers, find: findSqliteTriggers, names: sqliteTriggerNames },
}

export function hasTriggers(dialect: DialectName): boolean {
  return TRIGGERS[dialect] !== undefined
}

/** Returns the triggers of a dialect. @throws TypeError if there are none. */
export function triggersOf(dialect: DialectName): Triggers {
  const its = TRIGGERS[dialect]
  if (its) return its
  throw new TypeError(`There are no triggers for the dialect "${dialect}".`)
}
