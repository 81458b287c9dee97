export type { RedisDriver } from './backends/redis/own-client.js'
export type { RedisClient } from './clients/redis/clients.js'
export * from './common.js'
export { RedisDict, type RedisOptions } from './redis-dict.js'
