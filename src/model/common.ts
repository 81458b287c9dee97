// What every entry point for models exports.

export type {
  ColumnKind,
  Columns,
  DialectName,
  ModelManager,
  ModelSession,
  RowQuery,
  SqlParameter,
  SqlRow,
  SqlSession,
  TransactionOptions,
} from '../backends/model/managers/manager.js'
export type { ListeningClient, ListenOption } from '../backends/model/notifications/listening-connection.js'
export type { ModelOptions } from '../backends/model/options.js'
export { versionTables } from '../backends/model/versions/tables.js'
export type { VersionCache } from '../backends/model/versions/version-cache.js'
export * from '../common.js'
