// The exports that every entry point for models shares.

export { historyMigration } from '../backends/model/history/tables.js'
export type {
  Columns,
  CompiledWrites,
  ModelManager,
  ModelSession,
  RowQuery,
  RowWrite,
  TransactionOptions,
} from '../backends/model/managers/manager.js'
export type { ModelOptions } from '../backends/model/options.js'
export { replicasMigration } from '../backends/model/replicas/tables.js'
export {
  dropVersionTriggers,
  type VersionTriggersOptions,
  versionTriggers,
} from '../backends/model/triggers/version-triggers.js'
export type { CreateTablesOptions } from '../backends/model/versions/create-tables.js'
export { versionTables } from '../backends/model/versions/tables.js'
export type { VersionCache } from '../backends/model/versions/version-cache.js'
export type { ColumnKind, DialectName } from '../backends/sql/dialect.js'
export type { ListeningClient, ListenOption } from '../backends/sql/notifications/listening-connection.js'
export type { SqlParameter, SqlRow, SqlSession } from '../backends/sql/sql-session.js'
export * from '../common.js'
export type { InTransaction } from '../dictionary/in-transaction.js'
