export { MemoryStore } from './backends/memory/memory-store.js'
export { memcachedVersions } from './backends/model/caches/memcached.js'
export { memoryVersions } from './backends/model/caches/memory.js'
export type { VersionCacheOptions } from './backends/model/caches/outside-versions.js'
export { redisVersions } from './backends/model/caches/redis.js'
export { createTables } from './backends/model/create-tables.js'
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
} from './backends/model/manager.js'
export {
  type DrizzleDatabase,
  type DrizzleTable,
  drizzleManager,
} from './backends/model/managers/drizzle.js'
export { type KnexInstance, type KnexManagerOptions, knexManager } from './backends/model/managers/knex.js'
export { type KyselyDatabase, type KyselyManagerOptions, kyselyManager } from './backends/model/managers/kysely.js'
export { prismaManager } from './backends/model/managers/prisma.js'
export { type SequelizeModel, sequelizeManager } from './backends/model/managers/sequelize.js'
export { type TypeormRepository, typeormManager } from './backends/model/managers/typeorm.js'
export type { ListeningClient, ListenOption } from './backends/model/notifications.js'
export type { ModelOptions } from './backends/model/options.js'
export { versionTables } from './backends/model/tables.js'
export type { VersionCache } from './backends/model/version-cache.js'
export type { SqliteHandle, SqliteStatement } from './backends/sqlite/handle.js'
export type { ZookeeperAcl } from './backends/zookeeper/acl.js'
export type { ZookeeperClient } from './backends/zookeeper/node-zookeeper-shape.js'
export type { RedisClient } from './clients/redis/clients.js'
export type {
  Awaitable,
  Backend,
  Batch,
  CatchUp,
  Change as StoreChange,
  Committed,
  Condition,
  Dated,
  Effect,
  Freshness,
  Gap,
  Group,
  Holds,
  Listener,
  Operation,
  Outcome,
  State,
  Supports,
  Unsubscribe,
  Version,
} from './contract/backend.js'
export { DurableDict, type Updates } from './dictionary/durable-dict.js'
export type { Change, EventMap, FreshEvent, StaleEvent, SyncEvent } from './dictionary/events.js'
export type { Open } from './dictionary/open.js'
export type {
  CommonOptions,
  DefaultedBy,
  DefaultsOf,
  DictOptions,
  EncodingOption,
  SchemaOptions,
  TransactOptions,
  WatchOptions,
  WriteOptions,
} from './dictionary/options.js'
export type { InputOf, OutputOf, Schema } from './dictionary/schema.js'
export type { Transaction } from './dictionary/transaction.js'
export type { DictMap, LocalView, Snapshot } from './dictionary/views.js'
export type { Encoding } from './encodings/encoding.js'
export { JSONEncoding } from './encodings/json-encoding.js'
export { NoOpEncoding } from './encodings/noop-encoding.js'
export { RichEncoding, type RichEncodingOptions } from './encodings/rich-encoding.js'
export type { RichClass, RichCodec, RichTypes } from './encodings/rich-types.js'
export {
  AmbiguousWriteError,
  ClosedError,
  ConflictError,
  DecodingError,
  DurableDictError,
  EncodingError,
  type ErrorDetails,
  InvalidKeyError,
  InvalidValueError,
  KeyError,
  ServiceUnavailableError,
  StaleError,
  StoreUnavailableError,
  UnsupportedError,
} from './errors/errors.js'
export { MemoryDict } from './memory-dict.js'
export { ModelDict } from './model-dict.js'
export { openDict } from './open-dict.js'
export { RedisDict } from './redis-dict.js'
export type { SyncReason } from './replica/history.js'
export { SqliteDict } from './sqlite-dict.js'
export { ZookeeperDict, type ZookeeperOptions } from './zookeeper-dict.js'
