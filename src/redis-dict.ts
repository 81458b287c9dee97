import { checkDriver, connect } from './backends/redis/connect.js'
import { isRefusal } from './backends/redis/faults.js'
import { checkName } from './backends/redis/names.js'
import type { RedisDriver } from './backends/redis/own-client.js'
import { RedisBackend } from './backends/redis/redis-backend.js'
import type { RedisClient } from './clients/redis/clients.js'
import { Connectable } from './contract/connectable.js'
import { DurableDict } from './dictionary/durable-dict.js'
import { type Kind, kindOf } from './dictionary/kind.js'
import { openSource } from './dictionary/open-source.js'
import type {
  CommonOptions,
  DefaultedBy,
  DefaultsOf,
  DefaultsOptions,
  DictOptions,
  NamedKeys,
  OptionsOf,
  RequiredKeys,
  SchemaOptions,
  ValuesOf,
} from './dictionary/options.js'
import type { InputOf, OutputOf, Schema } from './dictionary/schema.js'
import { checkOptions } from './dictionary/settings.js'

/** A dictionary in Redis 7 or later, or in Valkey. */
export type RedisDict<
  T extends object = Record<string, unknown>,
  D extends keyof T & string = never,
  I extends object = T,
> = DurableDict<T, D, I>

/** Options of a `RedisDict`, besides the common ones. */
export interface RedisOptions {
  /**
   * The package redis or ioredis to connect with, for a URL: `import * as redis from 'redis'`, then `{ driver: redis }`. A bundled
   * program needs it because the bundler does not see what the library imports. Default: the installed one, redis first.
   *
   * @example
   * import * as redis from 'redis'
   *
   * await RedisDict.open('settings', 'redis://localhost:6379', { driver: redis })
   */
  driver?: RedisDriver | undefined
  /**
   * How a live dictionary uses pushed messages. `'changes'`: it applies a pushed change if its seal is valid; only a client that may
   * read the dictionary's keys can create the seal. `'signal'`: a message only makes it check the server, at one round trip for each
   * message and process. Default `'changes'`.
   *
   * @example
   * await RedisDict.open('settings', client, { live: true, push: 'signal' })
   */
  push?: 'changes' | 'signal' | undefined
}

const PUSHES: readonly unknown[] = ['changes', 'signal', undefined]

interface OpenRedisDict {
  /**
   * Opens the dictionary of that name. It consists of the hash of that name and two more keys. The schema defines the types and
   * validates values.
   *
   * @param name - the dictionary's name, the same in all processes that share it.
   * @param client - a connected client of node-redis (client, pool, cluster, sentinel) or ioredis (Redis, Cluster), which stays
   * open, or a URL `redis://…` or `rediss://…`, for which the dictionary opens its own connection.
   * @param options - with `schema`: one Standard Schema for all values, or a record of schemas by key.
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
   * Opens the dictionary of that name. It consists of the hash of that name and two more keys. You name the type, and every key
   * has a default.
   *
   * @param name - the dictionary's name, the same in all processes that share it.
   * @param client - a connected client of node-redis (client, pool, cluster, sentinel) or ioredis (Redis, Cluster), which stays
   * open, or a URL `redis://…` or `rediss://…`, for which the dictionary opens its own connection.
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
   * Opens the dictionary of that name. It consists of the hash of that name and two more keys. You name the type and the keys
   * that have a default (by default all that are not optional).
   *
   * @param name - the dictionary's name, the same in all processes that share it.
   * @param client - a connected client of node-redis (client, pool, cluster, sentinel) or ioredis (Redis, Cluster), which stays
   * open, or a URL `redis://…` or `rediss://…`, for which the dictionary opens its own connection.
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
   * Opens the dictionary of that name. It consists of the hash of that name and two more keys. The defaults define the types:
   * `get` never returns `undefined`, and other keys do not compile.
   *
   * @param name - the dictionary's name, the same in all processes that share it.
   * @param client - a connected client of node-redis (client, pool, cluster, sentinel) or ioredis (Redis, Cluster), which stays
   * open, or a URL `redis://…` or `rediss://…`, for which the dictionary opens its own connection.
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
   * Opens the dictionary of that name. It consists of the hash of that name and two more keys. You may name the type. Without
   * one, every string is a key, and values are `unknown`.
   *
   * @param name - the dictionary's name, the same in all processes that share it.
   * @param client - a connected client of node-redis (client, pool, cluster, sentinel) or ioredis (Redis, Cluster), which stays
   * open, or a URL `redis://…` or `rediss://…`, for which the dictionary opens its own connection.
   * @param options - the common options and `RedisOptions`.
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
    if (typeof client !== 'string') return DurableDict.open(new RedisBackend(client, name, { push }), options)
    // Checked before a connection is opened.
    const { timeout } = checkOptions(options)
    const connected = async (signal: AbortSignal | undefined) => {
      const own = await connect(client, { dictionary: name, timeout, signal, driver })
      return { backend: new RedisBackend(own.client, name, { own, push }) }
    }
    const source = new Connectable({ name, storeKind: 'redis', connect: connected, refuses: isRefusal })
    return openSource(source, options)
  },
  { first: 'the name', second: 'a client or a URL', isSecond: text => /^rediss?:\/\//i.test(text) },
)
