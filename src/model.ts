import { recognizePrisma, recognizeSequelize, recognizeTypeorm } from './backends/model/managers/recognise.js'
import { type CreateTables, createTablesFor } from './backends/model/versions/create-tables.js'
import { type ModelDict as AnyModelDict, type ModelDictKind, modelDictOf } from './model-dict.js'

export { memcachedVersions } from './backends/model/versions/caches/memcached.js'
export { memoryVersions } from './backends/model/versions/caches/memory.js'
export type { VersionCacheOptions } from './backends/model/versions/caches/outside-versions.js'
export { redisVersions } from './backends/model/versions/caches/redis.js'
export type { RedisClient } from './clients/redis/clients.js'
export * from './model/common.js'
export * from './model/managers.js'

/** A dictionary in a model (table) of the application's own database, through its ORM or query builder. */
export type ModelDict<
  T extends object = Record<string, unknown>,
  D extends keyof T & string = never,
  I extends object = T,
> = AnyModelDict<T, D, I>

export const ModelDict: ModelDictKind = modelDictOf([recognizePrisma, recognizeTypeorm, recognizeSequelize])

/**
 * Creates the version tables if they are missing: two tables for all dictionaries of a database. Any number of processes may call it
 * at the same time. If you use migrations, take the statements from `versionTables(dialect)` instead. Rejects with the database's
 * error.
 *
 * @param model - any model of the database, as `ModelDict.open` takes it.
 * @example
 * await createTables(kyselyManager(db, 'settings'))
 */
export const createTables: CreateTables = createTablesFor([recognizePrisma, recognizeTypeorm, recognizeSequelize])
