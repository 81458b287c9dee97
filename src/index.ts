// All exports. Each part also has its own entry point: scripts/entries.js lists them.
export * from './memory.js'
export * from './model.js'
export { openDict, type StoreOptions } from './open-dict.js'
export * from './pickle.js'
export { type PostgresConnection, PostgresDict, type PostgresDriver, type PostgresOptions } from './postgres.js'
export * from './redis.js'
export * from './sqlite.js'
export * from './zookeeper.js'
