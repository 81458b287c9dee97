// What every entry point for models exports.

export type { ListeningClient, ListenOption } from '../backends/model/listening-connection.js'
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
} from '../backends/model/manager.js'
export type { ModelOptions } from '../backends/model/options.js'
export { versionTables } from '../backends/model/tables.js'
export type { VersionCache } from '../backends/model/version-cache.js'
export * from '../common.js'
