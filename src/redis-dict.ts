import { checkDriver, connect } from './backends/redis/connect.js'
import { checkName } from './backends/redis/names.js'
import type { RedisDriver } from './backends/redis/own-client.js'
import { type Push, RedisBackend } from './backends/redis/redis-backend.js'
import type { RedisClient } from './clients/redis/clients.js'
import { DurableDict } from './dictionary/durable-dict.js'
import { type Kind, kindOf } from './dictionary/kind.js'
import type { Open } from './dictionary/open.js'
import { type CommonOptions, checkOptions } from './dictionary/options.js'

/** A dictionary in Redis 7 or later, or in Valkey. */
export type RedisDict<
  T extends object = Record<string, unknown>,
  D extends keyof T & string = never,
  I extends object = T,
> = DurableDict<T, D, I>

/** Options of a `RedisDict`, besides those of every dictionary. */
export interface RedisOptions {
  /**
   * The package redis or ioredis, for a URL: `import * as redis from 'redis'`, then `{ driver: redis }`. A bundled program
   * needs it, since a bundler does not see what the library would import. Default: the one that is installed, redis first.
   */
  driver?: RedisDriver | undefined
  /**
   * What a live dictionary takes a pushed message for. `'changes'`: for a change, if it carries the seal that only whoever may read the
   * dictionary's keys can make. `'signal'`: for no more than a reason to ask the server, at one round trip for each message and
   * process. Default `'changes'`.
   */
  push?: Push | undefined
}

const PUSHES: readonly unknown[] = ['changes', 'signal', undefined]

type OpenRedisDict = Open<[name: string, client: RedisClient | string], RedisOptions>

interface RedisDictKind extends Kind<OpenRedisDict> {
  /**
   * Opens the dictionary of that name: the hash of that name, and two keys beside it.
   *
   * @param name - what all processes that share the dictionary call it.
   * @param client - a connected client of node-redis (client, pool, cluster, sentinel) or ioredis (Redis, Cluster), which
   * is left open at the end; or a URL `redis://…` or `rediss://…`, for a connection of the dictionary's own.
   */
  readonly open: OpenRedisDict
}

export const RedisDict: RedisDictKind = kindOf<OpenRedisDict>(
  'RedisDict',
  async (
    name: string,
    client: RedisClient | string,
    { driver, push, ...options }: CommonOptions & RedisOptions = {},
  ) => {
    checkName(name)
    checkDriver(driver)
    if (!PUSHES.includes(push)) throw new TypeError(`Option "push" of RedisDict.open() must be 'changes' or 'signal'.`)
    // Before a connection is opened for nothing.
    const { timeout, signal } = checkOptions(options)
    const own = typeof client === 'string' ? await connect(client, { timeout, signal, driver }) : undefined
    return DurableDict.open(new RedisBackend(own?.client ?? client, name, { own, push }), options)
  },
  { first: 'the name', second: 'a client or a URL', isSecond: text => /^rediss?:\/\//i.test(text) },
)
