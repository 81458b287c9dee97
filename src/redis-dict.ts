import { checkDriver, connect } from './backends/redis/connect.js'
import { checkName } from './backends/redis/names.js'
import type { RedisDriver } from './backends/redis/own-client.js'
import { RedisBackend } from './backends/redis/redis-backend.js'
import type { RedisClient } from './clients/redis/clients.js'
import { DurableDict } from './dictionary/durable-dict.js'
import { type Kind, kindOf } from './dictionary/kind.js'
import {
  type CommonOptions,
  checkOptions,
  type DefaultedBy,
  type DefaultsOf,
  type DefaultsOptions,
  type DictOptions,
  type NamedKeys,
  type OptionsOf,
  type RequiredKeys,
  type SchemaOptions,
  type ValuesOf,
} from './dictionary/options.js'
import type { InputOf, OutputOf, Schema } from './dictionary/schema.js'

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
   *
   * @example
   * import * as redis from 'redis'
   *
   * await RedisDict.open('settings', 'redis://localhost:6379', { driver: redis })
   */
  driver?: RedisDriver | undefined
  /**
   * What a live dictionary takes a pushed message for. `'changes'`: for a change, if it carries the seal that only whoever may read the
   * dictionary's keys can make. `'signal'`: for no more than a reason to ask the server, at one round trip for each message and
   * process. Default `'changes'`.
   *
   * @example
   * await RedisDict.open('settings', client, { live: true, push: 'signal' })
   */
  push?: 'changes' | 'signal' | undefined
}

const PUSHES: readonly unknown[] = ['changes', 'signal', undefined]

interface OpenRedisDict {
  /**
   * Opens the dictionary of that name: the hash of that name, and two keys beside it. Its schema gives the types, and checks
   * values.
   *
   * @param name - what all processes that share the dictionary call it.
   * @param client - a connected client of node-redis (client, pool, cluster, sentinel) or ioredis (Redis, Cluster), which
   * stays open; or a URL `redis://…` or `rediss://…`, for a connection of its own.
   * @param options - with a `schema`: one Standard Schema for every value, or a record of them by key.
   * @example
   * await RedisDict.open('settings', client, {
   *   schema: { theme: z.enum(['light', 'dark']), perPage: z.number().int() },
   *   defaults: { theme: 'light' },
   * })
   */
  <const S extends Schema, const D extends DefaultsOf<S> = Record<never, never>>(
    name: string,
    client: RedisClient | string,
    options: SchemaOptions<S, D> & RedisOptions,
  ): Promise<DurableDict<OutputOf<S>, DefaultedBy<S, D>, InputOf<S>>>
  /**
   * Opens the dictionary of that name: the hash of that name, and two keys beside it. You name its type, and every key has a
   * default.
   *
   * @param name - what all processes that share the dictionary call it.
   * @param client - a connected client of node-redis (client, pool, cluster, sentinel) or ioredis (Redis, Cluster), which
   * stays open; or a URL `redis://…` or `rediss://…`, for a connection of its own.
   * @param options - with `defaults` for every key.
   * @example
   * await RedisDict.open<Settings>('settings', client, { defaults: { theme: 'light', perPage: 20 } })
   */
  <T extends object = never>(
    name: string,
    client: RedisClient | string,
    options: OptionsOf<NoInfer<T>, NamedKeys<NoInfer<T>>> & RedisOptions,
  ): Promise<DurableDict<T, NamedKeys<T>>>
  /**
   * Opens the dictionary of that name: the hash of that name, and two keys beside it. You name its type, and which of its
   * keys have a default: by default all that are not optional.
   *
   * @param name - what all processes that share the dictionary call it.
   * @param client - a connected client of node-redis (client, pool, cluster, sentinel) or ioredis (Redis, Cluster), which
   * stays open; or a URL `redis://…` or `rediss://…`, for a connection of its own.
   * @param options - with `defaults` for these keys.
   * @example
   * await RedisDict.open<Settings, 'theme'>('settings', client, { defaults: { theme: 'light' } })
   */
  <T extends object = never, K extends keyof T & string = RequiredKeys<T>>(
    name: string,
    client: RedisClient | string,
    options: OptionsOf<NoInfer<T>, NoInfer<K>> & RedisOptions,
  ): Promise<DurableDict<T, K>>
  /**
   * Opens the dictionary of that name: the hash of that name, and two keys beside it. Its defaults give the types: `get`
   * never returns `undefined`, and other keys do not compile.
   *
   * @param name - what all processes that share the dictionary call it.
   * @param client - a connected client of node-redis (client, pool, cluster, sentinel) or ioredis (Redis, Cluster), which
   * stays open; or a URL `redis://…` or `rediss://…`, for a connection of its own.
   * @param options - with `defaults`.
   * @example
   * const settings = await RedisDict.open('settings', client, { defaults: { theme: 'light', perPage: 20 } })
   * settings.local.get('perPage') // number
   */
  <Values extends object>(
    name: string,
    client: RedisClient | string,
    options: DefaultsOptions<Values> & RedisOptions,
  ): Promise<DurableDict<ValuesOf<Values>, RequiredKeys<ValuesOf<Values>>>>
  /**
   * Opens the dictionary of that name: the hash of that name, and two keys beside it. You name its type, or leave it open:
   * then every string is a key, and values are `unknown`.
   *
   * @param name - what all processes that share the dictionary call it.
   * @param client - a connected client of node-redis (client, pool, cluster, sentinel) or ioredis (Redis, Cluster), which
   * stays open; or a URL `redis://…` or `rediss://…`, for a connection of its own.
   * @param options - the options of every dictionary, and `RedisOptions`.
   * @example
   * await RedisDict.open<Settings>('settings', client, { maxStaleness: 1_000 })
   */
  <T extends object = Record<string, unknown>, const S extends Schema | undefined = undefined>(
    name: string,
    client: RedisClient | string,
    options?: DictOptions<T, S> & RedisOptions,
  ): Promise<DurableDict<T>>
}

interface RedisDictKind extends Kind<OpenRedisDict> {
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
    const own =
      typeof client === 'string' ? await connect(client, { dictionary: name, timeout, signal, driver }) : undefined
    return DurableDict.open(new RedisBackend(own?.client ?? client, name, { own, push }), options)
  },
  { first: 'the name', second: 'a client or a URL', isSecond: text => /^rediss?:\/\//i.test(text) },
)
