import type { Encoding } from '../encodings/encoding.js'
import type { EverywhereOptions } from './everywhere-options.js'
import type { AttributionOptions } from './history/attribution.js'
import type { HistoryPolicyOptions } from './history/policy.js'
import type { InputOf, OutputOf, Schema } from './schema.js'

/** An encoding, whatever its stored form. */
export interface AnyEncoding extends Pick<Encoding, 'name' | 'passThrough' | 'tag'> {
  encode(value: unknown): unknown
  decode(stored: never): unknown
}

/** An encoding, or its class if the constructor needs no arguments. */
export type EncodingOption = AnyEncoding | (new () => AnyEncoding)

/** The options that every dictionary takes. */
export interface CommonOptions {
  /**
   * Whether each read checks the store first. Default `true`: reads are linearizable. With `false`, reads use memory only, and
   * `sync()` catches up. Writes still go to the store, and memory contains them when they resolve (read-your-writes).
   *
   * @example
   * const settings = await SqliteDict.open('settings', './app.db', { autosync: false })
   * await settings.sync() // catches up
   * await settings.get('theme') // from memory
   */
  autosync?: boolean | undefined
  /**
   * Whether the store pushes changes into memory as they happen. Default `false`. Independent of `autosync`: with both,
   * pushes keep `local` up to date, and other reads still check the store.
   *
   * @example
   * const flags = await RedisDict.open('flags', client, { live: true })
   * for await (const { key, value } of flags.watch()) console.log(key, value)
   */
  live?: boolean | undefined
  /**
   * How values are encoded in the store. Default `new RichEncoding()`.
   *
   * @example
   * await RedisDict.open('settings', client, { encoding: new JSONEncoding() })
   */
  encoding?: EncodingOption | undefined
  /**
   * Decodes values that `encoding` cannot decode. Such a value is rewritten with `encoding` after it is read. Default: none.
   *
   * @example
   * const settings = await RedisDict.open('settings', client, { encoding: RichEncoding, oldEncoding: JSONEncoding })
   * await settings.reencode()
   */
  oldEncoding?: EncodingOption | undefined
  /**
   * Aborting this signal closes the dictionary. While `open` is pending, it rejects with the signal's reason. Default: none.
   *
   * @example
   * await RedisDict.open('settings', client, { signal: AbortSignal.timeout(60_000) })
   */
  signal?: AbortSignal | undefined
  /**
   * How long a call on the dictionary may take in total, in milliseconds, including everything that it waits for. Default 5,000; at
   * least 1. Three calls may take longer: `open` on a large store, while its load progresses; a write `{ everywhere: true }`, which
   * also waits out the recorded bound; and `reencode`, which has this time for each thousand values.
   *
   * @example
   * await RedisDict.open('settings', client, { timeout: 1_000 })
   */
  timeout?: number | undefined
  /**
   * How long after a check reads are served from memory, in milliseconds: bounded staleness on this process's monotonic clock,
   * measured from before that check was sent. A later read checks the store first. Off by default; from 1 to 86,400,000 (a day).
   * The store records the bound for writes `{ everywhere: true }`. With `live`, background checks keep memory within the bound. With
   * `autosync: false`, the bound applies to `fresh` only.
   *
   * @example
   * const settings = await RedisDict.open('settings', client, { live: true, maxStaleness: 100 })
   * settings.fresh.get('payments')
   */
  maxStaleness?: number | undefined
  /**
   * What reads that check the store guarantee. `'linearizable'`: they include every write acknowledged, to any client, before the
   * read began. `'sequential'`: sequential consistency with read-your-writes and monotonic reads. Default: `'sequential'` on
   * ZooKeeper, where a linearizable check costs as much as a write, else `'linearizable'`. Stores whose checks are linearizable at no
   * extra cost ignore this option. `sync()`, and every check of a dictionary with `maxStaleness`, are always linearizable.
   *
   * @example
   * await ZookeeperDict.open('/app/settings', 'zookeeper:2181', { consistency: 'linearizable' })
   */
  consistency?: 'linearizable' | 'sequential' | undefined
  /**
   * How often memory is compared with everything in the store, in milliseconds: a safety net against changes that bypass the
   * library. Off by default; at least 1.
   *
   * @example
   * await RedisDict.open('settings', client, { resyncEvery: 60_000 })
   */
  resyncEvery?: number | undefined
  /**
   * A file in which the dictionary keeps what it last knew, so that it can be opened while its store is down: `local`, `current()` and
   * requests with `whenDown: 'serve'` then work, and everything that needs the store rejects until it answers. See `origin`. The file
   * contains the values; it is created with mode 0600. Default: none, and `open` rejects while the store is down.
   *
   * @example
   * const settings = await RedisDict.open('settings', 'redis://localhost:6379', { lastKnown: './settings.last.json' })
   * if (settings.origin !== 'store') console.warn('started without Redis')
   */
  lastKnown?: string | LastKnownOptions | undefined
  /**
   * What awaited reads do while the store is unavailable. `'reject'` (the default): a read that must check the store rejects with
   * `StoreUnavailableError`. `'serve'`: it returns what memory holds, which may be older than the mode allows; `staleness` says how
   * old, and the event `stale` reports the outage. The first read of an outage still waits up to `timeout`; later ones wait for
   * nothing, while one check at a time probes the store. Writes, transactions, `sync()` and `fresh` reject in either case.
   *
   * @example
   * const themes = await RedisDict.open('themes', client, { whenDown: 'serve' })
   */
  whenDown?: 'reject' | 'serve' | undefined
  /**
   * Whether the dictionary only reads, so that it needs no write access to the store. It then creates, repairs and records nothing
   * there, and every write rejects immediately with `UnsupportedError`. Default `false`. It cannot be combined with
   * `maxStaleness`, whose bound is recorded in the store.
   *
   * @example
   * const report = await RedisDict.open('settings', client, { readOnly: true })
   */
  readOnly?: boolean | undefined
  /**
   * Whether only the keys that `defaults` or a record of schemas name can be read and written. Any other key rejects with
   * `InvalidKeyError`. Default `false`: keys that do not compile are accepted at run time, unless a record of schemas refuses the write.
   * Other keys in the store stay unchanged; `keys`, `entries` and `toObject` include them.
   *
   * @example
   * const settings = await MemoryDict.open(undefined, { defaults: { theme: 'light' }, strictKeys: true })
   */
  strictKeys?: boolean | undefined
  /**
   * Who makes the writes of this dictionary object, for the history, unless a write or its surroundings say otherwise: for example the
   * name of the service. At most 256 bytes of UTF-8. Default: nobody.
   *
   * @example
   * const settings = await RedisDict.open('settings', client, { by: 'billing' })
   */
  by?: string | undefined
  /**
   * How much history the dictionary keeps: the policy is recorded in the store, and every writer applies it. `false` drops the
   * history and keeps none. Default: the recorded policy, else `{ keep: 1000, days: 90 }`. When there are too many commits, the
   * key with the most commits of its own loses its oldest one: a key that is rewritten every second does not evict the rare
   * changes of the others.
   *
   * @example
   * const settings = await RedisDict.open('settings', client, { history: { keep: 10_000, days: 365 } })
   */
  history?: HistoryPolicyOptions | false | undefined
  /**
   * Whether the dictionary registers itself in the store, so that `replicas()` lists it: one small write each 10 seconds. Default `true`.
   * With `false` and `maxStaleness`, its bound stays recorded for good, and every write `{ everywhere: true }` waits for it.
   *
   * @example
   * const settings = await RedisDict.open('settings', client, { replicas: false })
   */
  replicas?: boolean | undefined
  /**
   * What this application calls itself in `replicas()`: a non-empty text of at most 256 bytes of UTF-8. Default: the name of the package
   * whose script npm runs, if any.
   *
   * @example
   * const settings = await RedisDict.open('settings', client, { service: 'billing' })
   */
  service?: string | undefined
}

/** The option `lastKnown`. */
export interface LastKnownOptions {
  /**
   * The path of the file. Relative to the working directory at the time of `open`. Its folder must exist.
   *
   * @example
   * await RedisDict.open('settings', url, { lastKnown: { file: '/var/lib/app/settings.last.json' } })
   */
  file: string
  /**
   * The largest age of a file that is used, in milliseconds, counted from when its state was last known to be current. At least 1.
   * Default: any age.
   *
   * @example
   * await RedisDict.open('settings', url, { lastKnown: { file: './settings.last.json', maxAge: 86_400_000 } })
   */
  maxAge?: number | undefined
  /**
   * The path of a file that is shipped with the application, for its first start: a copy of a last known file. It is used if there is
   * no last known file that can be used, whatever its age, and is never written. Default: none.
   *
   * @example
   * await RedisDict.open('settings', url, { lastKnown: { file: './settings.last.json', seed: './settings.seed.json' } })
   */
  seed?: string | undefined
}

/** Options of a dictionary whose type you name, or that has none. */
export interface DictOptions<T extends object = Record<string, unknown>, S extends Schema | undefined = undefined>
  extends CommonOptions {
  /**
   * Validates values on write and on read, and defines the types: see {@link SchemaOptions}. Default: none.
   *
   * @example
   * await MemoryDict.open(undefined, { schema: { perPage: z.number().int() } })
   */
  schema?: S
  /**
   * What `get` returns for keys that are not stored. Default: none.
   *
   * @example
   * await MemoryDict.open<Settings>(undefined, { defaults: { theme: 'light' } })
   */
  defaults?: (S extends Schema ? DefaultsOf<S> : { readonly [K in keyof NoInfer<T>]?: NoInfer<T>[K] }) | undefined
}

/** Options of a dictionary of type `T` in which the keys `K` have a default. */
export interface TypedOptions<T extends object, K extends keyof T & string> extends CommonOptions {
  schema?: undefined
  /**
   * What `get` returns for keys that are not stored. At least the keys `K` need one.
   *
   * @example
   * await MemoryDict.open<Settings, 'theme'>(undefined, { defaults: { theme: 'light' } })
   */
  defaults: { readonly [P in K]-?: T[P] } & { readonly [P in keyof NoInfer<T>]?: NoInfer<T>[P] }
}

/** {@link TypedOptions} for a `T` that the caller names: TypeScript does not infer it from the defaults. */
export type OptionsOf<T extends object, K extends keyof T & string> = [T] extends [never] ? never : TypedOptions<T, K>

/** Options of a dictionary that takes its types from its defaults. */
export interface DefaultsOptions<D extends object> extends CommonOptions {
  schema?: undefined
  /**
   * What `get` returns for keys that are not stored. The defaults also define the keys and the type of each value: `'light'` means
   * `string`. If that is too narrow, widen it: `[] as string[]`, `null as string | null`, or `open<Settings>(…)`.
   *
   * @example
   * const settings = await MemoryDict.open(undefined, { defaults: { theme: 'light', perPage: 20 } })
   */
  defaults: D
}

/** Options of a dictionary that takes its types from its schema. */
export interface SchemaOptions<S extends Schema, D extends DefaultsOf<S> = DefaultsOf<S>> extends CommonOptions {
  /**
   * Validates values on write and on read: one Standard Schema for all values, or a record of schemas by key. Writing a key that
   * the record does not name rejects with `InvalidKeyError`.
   *
   * @example
   * await MemoryDict.open(undefined, { schema: { perPage: z.number().int() } })
   */
  schema: S
  /**
   * What `get` returns for keys that are not stored. Defaults must match the schema. Default: none.
   *
   * @example
   * await MemoryDict.open(undefined, { schema: { perPage: z.number().int() }, defaults: { perPage: 20 } })
   */
  defaults?: D | undefined
}

/** The defaults that a schema allows. */
export type DefaultsOf<S extends Schema> = { readonly [K in keyof InputOf<S>]?: InputOf<S>[K] }

/** The keys of the defaults, if they are known individually. */
export type DefaultedBy<S extends Schema, D> = string extends keyof D ? never : keyof D & keyof OutputOf<S> & string

/** The keys of `T` that are named individually, without index signatures. */
export type NamedKeys<T> = [
  keyof { [K in keyof T as string extends K ? never : number extends K ? never : K]: 0 },
] extends [infer K extends keyof T & string]
  ? K
  : never

/** The named keys that are not optional. */
export type RequiredKeys<T> = [{ [K in NamedKeys<T>]: object extends Pick<T, K> ? never : K }[NamedKeys<T>]] extends [
  infer K extends keyof T & string,
]
  ? K
  : never

/** The values of a dictionary with the defaults `D`: the same types, with literals widened. */
export type ValuesOf<D extends object> = D extends infer Values
  ? { -readonly [K in keyof Values]: Widened<Values[K]> }
  : never

/** Widens a literal type, such as those of `as const`. Other types stay unchanged. */
type Widened<V> =
  IsUnion<V> extends true ? V : [V] extends [boolean] ? boolean : [V] extends [string | number] ? WidenedName<V> : V

// A record of a literal has a required member. A record of `string`, `number` or a branded type has none.
type WidenedName<V extends string | number> = object extends { [K in V]: 0 } ? V : V extends string ? string : number

type IsUnion<V, All = V> = 0 extends 1 & V
  ? true
  : [V] extends [never]
    ? true
    : V extends All
      ? [All] extends [V]
        ? false
        : true
      : never

/** Options of every write. */
export interface WriteOptions extends AttributionOptions {
  /**
   * Resolve only once no process can read an older value within its `maxStaleness` any more: each has acknowledged the write, has
   * closed, or its bound has passed. Default `false`. The guarantee holds if clocks run at nearly the same rate (0.1 %) and the store
   * does not lose acknowledged writes.
   *
   * @example
   * await settings.set('payments', 'off', { everywhere: true })
   */
  everywhere?: boolean | EverywhereOptions | undefined
}

/** Options of a transaction. */
export interface TransactOptions extends WriteOptions {
  /**
   * How often the transaction is retried after a conflict before it rejects with `ConflictError`. Default 32; at least 0.
   *
   * @example
   * await stock.transact(tx => tx.set('left', tx.getOrThrow('left') - 1), { retries: 100 })
   */
  retries?: number | undefined
  /**
   * How long the call may take, in milliseconds; at least 1. The time that the function takes does not count, but the function is not
   * run again after this time. Default: the dictionary's `timeout`.
   *
   * @example
   * await stock.transact(tx => tx.set('left', tx.getOrThrow('left') - 1), { timeout: 1_000 })
   */
  timeout?: number | undefined
}

/** Options of `watch`. */
export interface WatchOptions<K extends string = string> {
  /**
   * Yields only changes of this key. Default: of all keys.
   *
   * @example
   * for await (const { value } of settings.watch({ key: 'theme' })) console.log(value)
   */
  key?: K | undefined
  /**
   * Ends the iteration when it is aborted. Default: none.
   *
   * @example
   * for await (const change of settings.watch({ signal: AbortSignal.timeout(1_000) })) console.log(change.key)
   */
  signal?: AbortSignal | undefined
}
