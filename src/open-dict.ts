import type { PostgresDriver } from './backends/postgres/connect.js'
import type { RedisDriver } from './backends/redis/own-client.js'
import type { SqliteDriver } from './backends/sqlite/engine-libsql.js'
import type { DurableDict } from './dictionary/durable-dict.js'
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
import { PostgresDict, type PostgresOptions } from './postgres-dict.js'
import { RedisDict, type RedisOptions } from './redis-dict.js'
import { SqliteDict, type SqliteOptions } from './sqlite-dict.js'
import { ZookeeperDict, type ZookeeperOptions } from './zookeeper-dict.js'

type Opener = (url: string, options: CommonOptions | undefined) => Promise<DurableDict>

const OPENERS: Readonly<Record<string, Opener>> = {
  sqlite: (url, options) => SqliteDict.open(nameOf(url), pathOf(url), options),
  redis: (url, options) => RedisDict.open(serverNameOf(url), withoutName(url), options),
  rediss: (url, options) => RedisDict.open(serverNameOf(url), withoutName(url), options),
  postgres: (url, options) => PostgresDict.open(serverNameOf(url), withoutName(url), options),
  postgresql: (url, options) => PostgresDict.open(serverNameOf(url), withoutName(url), options),
  zookeeper: (url, options) => {
    const [servers, path] = ensembleOf(url)
    return ZookeeperDict.open(path, servers, options)
  },
}

/** The options of the stores that a URL can name. `open` rejects an option that does not belong to that store. */
export interface StoreOptions
  extends Omit<RedisOptions, 'driver'>,
    Omit<SqliteOptions, 'driver'>,
    Omit<PostgresOptions, 'driver'>,
    ZookeeperOptions {
  /**
   * The package to connect with: see `RedisOptions`, `PostgresOptions` and `SqliteOptions`.
   *
   * @example
   * import * as redis from 'redis'
   *
   * await openDict('redis://localhost:6379#settings', { driver: redis })
   */
  driver?: RedisDriver | PostgresDriver | SqliteDriver | undefined
}

interface OpenDict {
  /**
   * Opens a dictionary by URL. It owns its connection, which `close` closes. Rejects with `TypeError` if the URL is invalid,
   * has no name or has a scheme that is not listed here; otherwise as `open` of the store. The schema defines the types and
   * validates values.
   *
   * @param url - `sqlite:./app.db#settings`, `redis://localhost:6379/0#settings` (or `rediss://…`),
   * `postgres://localhost/app#settings`, or `zookeeper://a:2181,b:2181/app/config`. ZooKeeper gets `user:password@` before the servers with the scheme `digest`.
   * Percent-encode characters that a URL cannot contain.
   * @param options - with `schema`: one Standard Schema for all values, or a record of schemas by key.
   * @example
   * await openDict('redis://localhost:6379#settings', {
   *   schema: { theme: z.enum(['light', 'dark']), perPage: z.number().int() },
   *   defaults: { theme: 'light' },
   * })
   */
  <const S extends Schema, const D extends DefaultsOf<S> = Record<never, never>>(
    url: string | URL,
    options: SchemaOptions<S, D> & StoreOptions,
  ): Promise<DurableDict<OutputOf<S>, DefaultedBy<S, D>, InputOf<S>>>
  /**
   * Opens a dictionary by URL. It owns its connection, which `close` closes. Rejects with `TypeError` if the URL is invalid,
   * has no name or has a scheme that is not listed here; otherwise as `open` of the store. You name the type, and every key has
   * a default.
   *
   * @param url - `sqlite:./app.db#settings`, `redis://localhost:6379/0#settings` (or `rediss://…`),
   * `postgres://localhost/app#settings`, or `zookeeper://a:2181,b:2181/app/config`. ZooKeeper gets `user:password@` before the servers with the scheme `digest`.
   * Percent-encode characters that a URL cannot contain.
   * @param options - with `defaults` for every key.
   * @example
   * await openDict<Settings>('redis://localhost:6379#settings', { defaults: { theme: 'light', perPage: 20 } })
   */
  <T extends object = never>(
    url: string | URL,
    options: OptionsOf<NoInfer<T>, NamedKeys<NoInfer<T>>> & StoreOptions,
  ): Promise<DurableDict<T, NamedKeys<T>>>
  /**
   * Opens a dictionary by URL. It owns its connection, which `close` closes. Rejects with `TypeError` if the URL is invalid,
   * has no name or has a scheme that is not listed here; otherwise as `open` of the store. You name the type and the keys that
   * have a default (by default all that are not optional).
   *
   * @param url - `sqlite:./app.db#settings`, `redis://localhost:6379/0#settings` (or `rediss://…`),
   * `postgres://localhost/app#settings`, or `zookeeper://a:2181,b:2181/app/config`. ZooKeeper gets `user:password@` before the servers with the scheme `digest`.
   * Percent-encode characters that a URL cannot contain.
   * @param options - with `defaults` for these keys.
   * @example
   * await openDict<Settings, 'theme'>('redis://localhost:6379#settings', { defaults: { theme: 'light' } })
   */
  <T extends object = never, K extends keyof T & string = RequiredKeys<T>>(
    url: string | URL,
    options: OptionsOf<NoInfer<T>, NoInfer<K>> & StoreOptions,
  ): Promise<DurableDict<T, K>>
  /**
   * Opens a dictionary by URL. It owns its connection, which `close` closes. Rejects with `TypeError` if the URL is invalid,
   * has no name or has a scheme that is not listed here; otherwise as `open` of the store. The defaults define the types: `get`
   * never returns `undefined`, and other keys do not compile.
   *
   * @param url - `sqlite:./app.db#settings`, `redis://localhost:6379/0#settings` (or `rediss://…`),
   * `postgres://localhost/app#settings`, or `zookeeper://a:2181,b:2181/app/config`. ZooKeeper gets `user:password@` before the servers with the scheme `digest`.
   * Percent-encode characters that a URL cannot contain.
   * @param options - with `defaults`.
   * @example
   * const settings = await openDict('redis://localhost:6379#settings', { defaults: { theme: 'light', perPage: 20 } })
   * settings.local.get('perPage') // number
   */
  <Values extends object>(
    url: string | URL,
    options: DefaultsOptions<Values> & StoreOptions,
  ): Promise<DurableDict<ValuesOf<Values>, RequiredKeys<ValuesOf<Values>>>>
  /**
   * Opens a dictionary by URL. It owns its connection, which `close` closes. Rejects with `TypeError` if the URL is invalid,
   * has no name or has a scheme that is not listed here; otherwise as `open` of the store. You may name the type. Without one,
   * every string is a key, and values are `unknown`.
   *
   * @param url - `sqlite:./app.db#settings`, `redis://localhost:6379/0#settings` (or `rediss://…`),
   * `postgres://localhost/app#settings`, or `zookeeper://a:2181,b:2181/app/config`. ZooKeeper gets `user:password@` before the servers with the scheme `digest`.
   * Percent-encode characters that a URL cannot contain.
   * @param options - the common options and those of the store that the URL names.
   * @example
   * await openDict<Settings>('redis://localhost:6379#settings', { maxStaleness: 1_000 })
   */
  <T extends object = Record<string, unknown>, const S extends Schema | undefined = undefined>(
    url: string | URL,
    options?: DictOptions<T, S> & StoreOptions,
  ): Promise<DurableDict<T>>
}

export const openDict = (async (given: string | URL, options?: CommonOptions) => {
  const url = String(given)
  const scheme = /^([a-z]+):/i.exec(url)?.[1]?.toLowerCase() ?? ''
  const opener = Object.hasOwn(OPENERS, scheme) ? OPENERS[scheme] : undefined
  if (!opener) throw unknownUrl(url)
  return opener(url, options)
}) as OpenDict

/** Returns the text after the first `#`. */
function nameOf(url: string): string {
  const [, name] = /^[^:]+:[^#]+#(.+)$/s.exec(url) ?? []
  if (name === undefined) throw withoutDictionary(url)
  return decoded(name, url)
}

/** A `#` in a password would make part of the password the name, which messages show. */
function serverNameOf(url: string): string {
  if (!/^[^#]*#[^#]*@/.test(url)) return nameOf(url)
  throw new TypeError(
    `openDict() takes ${/^redis/i.test(url) ? 'redis://user:password@host:6379' : 'postgres://user:password@host/app'}#settings; write # in the password as %23, and @ in the name as %40. ` +
      `It got ${describeUrl(url)}`,
  )
}

/** Returns the connection string and the path. */
function ensembleOf(url: string): [servers: string, path: string] {
  const [, servers, path] = /^[^:]+:\/\/([^/?#]+)(\/[^?#]+)$/.exec(url) ?? []
  if (servers === undefined || path === undefined) throw noEnsemble(url)
  // A slash in a password would make the rest of the password a part of the path, which messages show.
  if (path.includes('@')) throw slashInPassword(url)
  return [servers, decoded(path, url)]
}

function withoutName(url: string): string {
  return url.slice(0, url.indexOf('#'))
}

function pathOf(url: string): string {
  const path = withoutName(url).slice(url.indexOf(':') + 1)
  // sqlite:///app.db is the file /app.db; sqlite://app.db is ambiguous.
  if (/^\/\/[^/]/.test(path) || path.includes('?')) throw noHost(url)
  return decoded(path.replace(/^\/\//, ''), url)
}

function noHost(url: string): TypeError {
  return new TypeError(
    `openDict() takes sqlite:./app.db#settings or sqlite:/data/app.db#settings, with neither host nor query (a question ` +
      `mark in the file's name is written %3F); got ${describeUrl(url)}.`,
  )
}

function noEnsemble(url: string): TypeError {
  return new TypeError(
    `openDict() takes zookeeper://a:2181,b:2181/app/config: servers, then the path of the dictionary, with neither query nor ` +
      `fragment; got ${describeUrl(url)}.`,
  )
}

function slashInPassword(url: string): TypeError {
  return new TypeError(
    `openDict() takes zookeeper://user:password@a:2181/app/config; write / in the password as %2F, and @ in the path as %40. ` +
      `It got ${describeUrl(url)}.`,
  )
}

function decoded(text: string, url: string): string {
  try {
    return decodeURIComponent(text)
  } catch (cause) {
    throw new TypeError(`openDict() cannot read ${describeUrl(url)}: write a percent sign as %25.`, { cause })
  }
}

/** The schemes of databases that only a `ModelDict` reads. */
const DATABASES = /^(mysql|mariadb):/i

function unknownUrl(url: string): TypeError {
  const schemes = Object.keys(OPENERS).map(scheme => `${scheme}:`)
  return new TypeError(
    `openDict() takes a URL that begins with one of ${schemes.join(', ')}, such as sqlite:./app.db#settings; got ` +
      `${describeUrl(url)}.${DATABASES.test(url) ? ' For tables of a SQL database, use ModelDict with your ORM or query builder.' : ''}`,
  )
}

function withoutDictionary(url: string): TypeError {
  return new TypeError(
    `openDict() takes the file or the server, then # and the name of the dictionary, such as sqlite:./app.db#settings or ` +
      `redis://localhost:6379#settings; one of them is missing in ${describeUrl(url)}.`,
  )
}

/** Messages show nothing of a longer URL, in characters. */
const MAX_URL = 500

/**
 * Returns the scheme of a URL, and its host if that part is certain. It shows nothing else: any part of an invalid URL may be a
 * password.
 */
function describeUrl(url: string): string {
  if (url.length > MAX_URL) return `a URL of ${url.length} characters`
  const [, scheme, authority = '', rest = ''] = /^([a-z][a-z0-9+.-]*:)\/\/([^/?#]*)(.*)$/is.exec(url) ?? []
  if (scheme === undefined) return /^sqlite:/i.test(url) ? 'a URL that begins with sqlite:' : 'something else'
  const [host, ...credentials] = authority.split('@').reverse()
  const certain = credentials.length <= 1 && !rest.includes('@') && URL.canParse(`${scheme}//${host}`)
  if (!certain) return `a URL that begins with ${scheme}`
  return credentials.length === 0 ? `${scheme}//${host}…` : `${scheme}//…@${host}…`
}
