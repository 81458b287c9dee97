export type { SqliteDriver } from './backends/sqlite/engine-libsql.js'
export type { SqliteHandle, SqliteStatement } from './backends/sqlite/handle.js'
export * from './common.js'
export { SqliteDict, type SqliteOptions } from './sqlite-dict.js'
