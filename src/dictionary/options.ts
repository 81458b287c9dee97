import { MAX_BOUND } from '../contract/answers.js'
import type { Supports } from '../contract/backend.js'
import type { HistoryPolicy } from '../contract/history.js'
import type { Encoding } from '../encodings/encoding.js'
import { RichEncoding } from '../encodings/rich-encoding.js'
import { UnsupportedError } from '../errors/errors.js'
import { DEFAULT_TIMEOUT } from '../time/default-timeout.js'
import { type AttributionOptions, checkBy, checkReason } from './history/attribution.js'
import { checkPolicy, type HistoryPolicyOptions } from './history/policy.js'
import type { InputOf, OutputOf, Schema } from './schema.js'

/** An encoding, whatever its stored form. */
interface AnyEncoding extends Pick<Encoding, 'name' | 'passThrough' | 'tag'> {
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
   * Resolve only once no process can read an older value within its `maxStaleness` any more: the write waits out the largest bound in
   * use. Default `false`. The guarantee holds if clocks run at nearly the same rate (0.1 %) and the store does not
   * lose acknowledged writes.
   *
   * @example
   * await settings.set('payments', 'off', { everywhere: true })
   */
  everywhere?: boolean | undefined
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

/** The options after validation, with their defaults filled in. */
export interface Settings {
  readonly autosync: boolean
  readonly live: boolean
  readonly encoding: Encoding<unknown>
  readonly oldEncoding: Encoding<unknown> | undefined
  readonly schema: Schema | undefined
  readonly defaults: Readonly<Record<string, unknown>>
  readonly signal: AbortSignal | undefined
  readonly timeout: number
  readonly maxStaleness: number | undefined
  readonly resyncEvery: number | undefined
  readonly readOnly: boolean
  readonly strictKeys: boolean
  readonly by: string | undefined
  readonly history: HistoryPolicy | undefined
  readonly consistency: 'linearizable' | 'sequential' | undefined
}

const NAMES = [
  'autosync',
  'live',
  'encoding',
  'oldEncoding',
  'schema',
  'defaults',
  'signal',
  'timeout',
  'maxStaleness',
  'resyncEvery',
  'readOnly',
  'strictKeys',
  'consistency',
  'by',
  'history',
]

/** @throws TypeError if an option does not exist or has a wrong type. */
export function checkOptions(options: CommonOptions & { schema?: Schema; defaults?: object } = {}): Settings {
  checkNames(options, NAMES, 'open()')
  const { autosync = true, live = false, readOnly = false, strictKeys = false } = options
  const { signal, timeout = DEFAULT_TIMEOUT, schema, defaults = {} } = options
  // A Map or an array has no own members, and its values would be ignored silently.
  if (!isPlain(defaults)) throw wrong('defaults', 'a plain object of values by key', defaults)
  checkSignal(signal)
  return {
    autosync: boolean('autosync', autosync),
    live: boolean('live', live),
    encoding: options.encoding === undefined ? new RichEncoding() : encoding('encoding', options.encoding),
    oldEncoding: options.oldEncoding === undefined ? undefined : encoding('oldEncoding', options.oldEncoding),
    schema,
    defaults: defaults as Readonly<Record<string, unknown>>,
    signal,
    timeout: milliseconds('timeout', timeout),
    maxStaleness: optionalMilliseconds('maxStaleness', options.maxStaleness, MAX_BOUND),
    resyncEvery: optionalMilliseconds('resyncEvery', options.resyncEvery),
    readOnly: boolean('readOnly', readOnly),
    consistency: consistency(options.consistency),
    strictKeys: boolean('strictKeys', strictKeys),
    by: checkBy(options.by),
    history: checkPolicy(options.history),
  }
}

/** @throws TypeError if an option does not exist; UnsupportedError if the backend cannot record a bound. */
export function checkWriteOptions(
  options: WriteOptions | undefined,
  supports: Supports,
  dictionary: string,
  also: readonly string[] = [],
): void {
  if (options === undefined) return
  checkNames(options, ['everywhere', 'by', 'reason', ...also], 'a write')
  checkBy(options.by)
  checkReason(options.reason)
  if (options.everywhere === undefined || !boolean('everywhere', options.everywhere)) return
  if (!supports.registerMaxStaleness) throw noBound('A write { everywhere: true }', dictionary)
}

/** @throws UnsupportedError if the backend cannot record the bound of `maxStaleness`. */
export function checkBound(settings: Settings, supports: Supports, dictionary: string): void {
  if (settings.maxStaleness === undefined) return
  if (settings.readOnly) throw boundIsWritten(dictionary)
  if (!supports.registerMaxStaleness) throw noBound('Option "maxStaleness"', dictionary)
}

/** The error for a read-only dictionary that would have to record a bound. */
export function boundIsWritten(dictionary: string): UnsupportedError {
  return new UnsupportedError(
    `Option "maxStaleness" needs write access: the bound is recorded in the store of dictionary "${dictionary}", so that ` +
      'writes { everywhere: true } wait for it. With "readOnly", use { live: true }, and compare "staleness" with your bound.',
    { dictionary },
  )
}

/** The error for a write on a read-only dictionary. */
export function onlyReads(dictionary: string): UnsupportedError {
  return new UnsupportedError(
    `Dictionary "${dictionary}" was opened with { readOnly: true }: nothing was written. Open it without the option to write.`,
    { dictionary },
  )
}

/** @throws UnsupportedError if the backend has no linearizable check. */
export function checkConsistency({ consistency }: Settings, supports: Supports, dictionary: string): void {
  if (consistency !== 'linearizable' || supports.linearizable || supports.changesSince) return
  throw new UnsupportedError(
    `Option "consistency" cannot be "linearizable": the backend of dictionary "${dictionary}" declares that its lastUpdated() may ` +
      'lag behind. Give it a linearizable changesSince(), or omit the option.',
    { dictionary },
  )
}

/** @throws UnsupportedError if the backend keeps no history, or the dictionary must not record a policy. */
export function checkHistory({ history, readOnly }: Settings, supports: Supports, dictionary: string): void {
  if (history === undefined) return
  if (readOnly) {
    throw new UnsupportedError(
      `Option "history" needs the right to write: the policy is recorded in the store of dictionary "${dictionary}".`,
      { dictionary },
    )
  }
  if (history !== false && !supports.history) throw noHistory('Option "history"', dictionary)
}

/** The error of calls that need a history. */
export function noHistory(what: string, dictionary: string): UnsupportedError {
  return new UnsupportedError(
    `${what} needs a backend with history(); the backend of dictionary "${dictionary}" has none.`,
    {
      dictionary,
    },
  )
}

function noBound(what: string, dictionary: string): UnsupportedError {
  return new UnsupportedError(
    `${what} needs a backend with registerMaxStaleness(); the backend of dictionary "${dictionary}" has none.`,
    {
      dictionary,
    },
  )
}

/** @throws TypeError if it is neither `undefined` nor an AbortSignal. */
export function checkSignal(signal: unknown): void {
  if (signal !== undefined && !(signal instanceof AbortSignal)) throw wrong('signal', 'an AbortSignal', signal)
}

/** @throws TypeError if it is not a number of milliseconds from 1. */
export function checkTimeout(timeout: unknown): number {
  return milliseconds('timeout', timeout)
}

/** @throws TypeError if it is not a whole number from 0. */
export function checkRetries(retries: unknown): number {
  if (Number.isSafeInteger(retries) && (retries as number) >= 0) return retries as number
  throw wrong('retries', 'a whole number from 0', retries)
}

/** @throws TypeError if a member is not among `names`. */
export function checkNames(options: object, names: readonly string[], call: string): void {
  if (typeof options !== 'object' || options === null) throw new TypeError(`The options of ${call} must be an object.`)
  for (const name of Object.keys(options)) {
    if (names.includes(name)) continue
    throw new TypeError(`${call} has no option "${name}"; it has ${names.join(', ')}.`)
  }
}

function consistency(value: unknown): Settings['consistency'] {
  if (value === undefined || value === 'linearizable' || value === 'sequential') return value
  throw wrong('consistency', '"linearizable" or "sequential"', value)
}

function boolean(name: string, value: unknown): boolean {
  if (typeof value === 'boolean') return value
  throw wrong(name, 'a boolean', value)
}

/** The longest delay that timers accept. */
const MAX_MS = 2 ** 31 - 1

/** @throws TypeError if it is not a number of milliseconds from 1. */
export function milliseconds(name: string, value: unknown, max = MAX_MS): number {
  if (typeof value === 'number' && value >= 1 && value <= max) return value
  throw wrong(name, `a number of milliseconds from 1 to ${max}`, value)
}

function optionalMilliseconds(name: string, value: unknown, max?: number): number | undefined {
  return value === undefined ? undefined : milliseconds(name, value, max)
}

function encoding(name: string, option: EncodingOption): Encoding<unknown> {
  const instance: unknown = isClass(option) ? new option() : option
  const { name: ownName, encode, decode } = (instance ?? {}) as Partial<Encoding>
  if (typeof ownName === 'string' && typeof encode === 'function' && typeof decode === 'function') {
    return instance as Encoding<unknown>
  }
  throw wrong(name, 'an encoding: an object with name, encode(value) and decode(stored), or the class of one', option)
}

function isClass(option: EncodingOption): option is new () => AnyEncoding {
  return typeof option === 'function' && typeof option.prototype === 'object' && option.prototype !== null
}

/** Whether it is a plain object, with no state besides its own members. */
export function isPlain(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false
  const prototype: unknown = Object.getPrototypeOf(value)
  // Also true for plain objects of another realm.
  return prototype === null || Object.getPrototypeOf(prototype) === null
}

/** The error for an option of the wrong type. */
export function wrong(name: string, wanted: string, value: unknown): TypeError {
  return new TypeError(`Option "${name}" must be ${wanted}; got ${describeValue(value)}.`)
}

/** Describes a value in a message. */
export function describeValue(value: unknown): string {
  // A string may be a password in the wrong place.
  if (typeof value === 'string') return /^[\w-]{1,20}$/.test(value) ? JSON.stringify(value) : 'a string'
  if (typeof value === 'number' || value === null) return String(value)
  return Array.isArray(value) ? 'an array' : typeof value
}
