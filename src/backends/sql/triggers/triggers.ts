import type { DialectName, Statement } from '../dialect.js'
import { dropMysqlTriggers, findMysqlTriggers, mysqlTriggerNames, mysqlTriggers } from './mysql.js'
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

const TRIGGERS: Readonly<Record<DialectName, Triggers>> = {
  postgresql: {
    create: postgresqlTriggers,
    drop: dropPostgresqlTriggers,
    find: findPostgresqlTriggers,
    names: postgresqlTriggerNames,
  },
  mysql: { create: mysqlTriggers, drop: dropMysqlTriggers, find: findMysqlTriggers, names: mysqlTriggerNames },
  sqlite: { create: sqliteTriggers, drop: dropSqliteTriggers, find: findSqliteTriggers, names: sqliteTriggerNames },
}

/** Returns the triggers of a dialect. */
export function triggersOf(dialect: DialectName): Triggers {
  return TRIGGERS[dialect]
}
