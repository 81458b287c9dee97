import { MAX_BOUND } from '../contract/answers.js'
import type { Supports } from '../contract/backend.js'
import type { Encoding } from '../encodings/encoding.js'
import { RichEncoding } from '../encodings/rich-encoding.js'
import { UnsupportedError } from '../errors/errors.js'
import type { InputOf, OutputOf, Schema } from './schema.js'

/** An encoding, whatever it makes of values. */
interface AnyEncoding extends Pick<Encoding, 'name' | 'passThrough' | 'tag'> {
  encode(value: unknown): unknown
  decode(stored: never): unknown
}

/** An encoding, or the class of one that needs no arguments. */
export type EncodingOption = AnyEncoding | (new () => AnyEncoding)

/** The options that every dictionary takes, whatever its types. */
export interface CommonOptions {
  /**
   * Whether each read asks the store first. Default `true`: reads are linearizable. `false`: reads use memory only, and
   * `sync()` catches up; writes go to the store all the same, and memory holds them when they resolve (read-your-writes).
   *
   * @example
   * const settings = await SqliteDict.open('settings', './app.db', { autosync: false })
   * await settings.sync() // catches up
   * await settings.get('theme') // from memory
   */
  autosync?: boolean | undefined
  /**
   * Whether the store pushes changes into memory as they happen. Default `false`. Independent of `autosync`: with both,
   * `local` is fed and the other reads still ask.
   *
   * @example
   * const flags = await RedisDict.open('flags', client, { live: true })
   * for await (const { key, value } of flags.watch()) console.log(key, value)
   */
  live?: boolean | undefined
  /**
   * How values are stored. Default `new RichEncoding()`.
   *
   * @example
   * await RedisDict.open('settings', client, { encoding: new JSONEncoding() })
   */
  encoding?: EncodingOption | undefined
  /**
   * What values that `encoding` cannot decode are decoded with; they are written back in `encoding` when read.
   *
   * @example
   * const settings = await RedisDict.open('settings', client, { encoding: RichEncoding, oldEncoding: JSONEncoding })
   * await settings.reencode()
   */
  oldEncoding?: EncodingOption | undefined
  /**
   * Aborting it closes the dictionary; while `open` is under way, it rejects with the signal's reason.
   *
   * @example
   * await RedisDict.open('settings', client, { signal: AbortSignal.timeout(60_000) })
   */
  signal?: AbortSignal | undefined
  /**
   * The most that a call on the dictionary may take as a whole, in milliseconds, whatever it waits for. Default 5,000; at least 1.
   * Three kinds of calls may take longer: `open` on a large store, as long as its load progresses; a write `{ everywhere: true }`,
   * which waits out the recorded bound as well; and `reencode`, for each thousand of its values.
   *
   * @example
   * await RedisDict.open('settings', client, { timeout: 1_000 })
   */
  timeout?: number | undefined
  /**
   * For how long after a check reads are served from memory, in milliseconds: bounded staleness, on this process's
   * monotonic clock, counted from before that check was sent. Older than that, a read checks first. Off by default, at
   * least 1, at most 86,400,000 (a day). It is recorded with the dictionary in the store, for writes `{ everywhere: true }`. With
   * `live`, checks are renewed in the background. With `autosync: false` it holds for `fresh` alone.
   *
   * @example
   * const settings = await RedisDict.open('settings', client, { live: true, maxStaleness: 100 })
   * settings.fresh.get('payments')
   */
  maxStaleness?: number | undefined
  /**
   * What reads that check the store first promise. `'linearizable'`: never older than a write acknowledged, to anyone, before the
   * read began. `'sequential'`: sequential consistency with read-your-writes and monotonic reads. Default: `'sequential'` on
   * ZooKeeper, where a linearizable check costs a write, else `'linearizable'`. A store whose checks are linearizable at no
   * extra cost gives them with either. `sync()`, and every check of a dictionary with `maxStaleness`, are always linearizable.
   *
   * @example
   * await ZookeeperDict.open('/app/settings', 'zookeeper:2181', { consistency: 'linearizable' })
   */
  consistency?: 'linearizable' | 'sequential' | undefined
  /**
   * How often memory is compared with everything that is stored, in milliseconds: a safety net against entries altered
   * behind the library's back. Off by default; at least 1.
   *
   * @example
   * await RedisDict.open('settings', client, { resyncEvery: 60_000 })
   */
  resyncEvery?: number | undefined
  /**
   * Whether the dictionary only reads, so that it needs no right to write to its store: nothing is created, repaired or
   * recorded there, and every write rejects at once with `UnsupportedError`. Default `false`. Does not go with
   * `maxStaleness`, whose bound is recorded in the store.
   *
   * @example
   * const report = await RedisDict.open('settings', client, { readOnly: true })
   */
  readOnly?: boolean | undefined
  /**
   * Whether only the keys that `defaults` or a record of schemas name can be read and written: any other one rejects with
   * `InvalidKeyError`. Default `false`: what does not compile is still taken at run time, unless a record of schemas refuses the write.
   * Other keys in the store are left alone; `keys`, `entries` and `toObject` include them.
   *
   * @example
   * const settings = await MemoryDict.open(undefined, { defaults: { theme: 'light' }, strictKeys: true })
   */
  strictKeys?: boolean | undefined
}

/** Options of a dictionary whose types are given by hand, or not at all. */
export interface DictOptions<T extends object = Record<string, unknown>, S extends Schema | undefined = undefined>
  extends CommonOptions {
  /**
   * Checks values on the way in and on the way out, and gives the types: see {@link SchemaOptions}.
   *
   * @example
   * await MemoryDict.open(undefined, { schema: { perPage: z.number().int() } })
   */
  schema?: S
  /**
   * What `get` returns for keys that are not stored. Default: nothing.
   *
   * @example
   * await MemoryDict.open<Settings>(undefined, { defaults: { theme: 'light' } })
   */
  defaults?: (S extends Schema ? DefaultsOf<S> : { readonly [K in keyof NoInfer<T>]?: NoInfer<T>[K] }) | undefined
}

/** Options of a dictionary of the type `T` in which the keys `K` have a default. */
export interface TypedOptions<T extends object, K extends keyof T & string> extends CommonOptions {
  schema?: undefined
  /**
   * What `get` returns for keys that are not stored: at least for the keys `K`.
   *
   * @example
   * await MemoryDict.open<Settings, 'theme'>(undefined, { defaults: { theme: 'light' } })
   */
  defaults: { readonly [P in K]-?: T[P] } & { readonly [P in keyof NoInfer<T>]?: NoInfer<T>[P] }
}

/** {@link TypedOptions}, for a `T` that is named by the caller: it is never inferred from the defaults. */
export type OptionsOf<T extends object, K extends keyof T & string> = [T] extends [never] ? never : TypedOptions<T, K>

/** Options of a dictionary whose types are those of its defaults. */
export interface DefaultsOptions<D extends object> extends CommonOptions {
  schema?: undefined
  /**
   * What `get` returns for keys that are not stored; they also name the keys, and give the type of each value: text for
   * `'light'`. Where that says too little, say more: `[] as string[]`, `null as string | null`, or `open<Settings>(…)`.
   *
   * @example
   * const settings = await MemoryDict.open(undefined, { defaults: { theme: 'light', perPage: 20 } })
   */
  defaults: D
}

/** Options of a dictionary whose types are those of its schema. */
export interface SchemaOptions<S extends Schema, D extends DefaultsOf<S> = DefaultsOf<S>> extends CommonOptions {
  /**
   * Checks values on the way in and on the way out: one Standard Schema for every value, or a record of them by key. A key that
   * the record does not name is refused on write.
   *
   * @example
   * await MemoryDict.open(undefined, { schema: { perPage: z.number().int() } })
   */
  schema: S
  /**
   * What `get` returns for keys that are not stored. They must fit the schema.
   *
   * @example
   * await MemoryDict.open(undefined, { schema: { perPage: z.number().int() }, defaults: { perPage: 20 } })
   */
  defaults?: D | undefined
}

/** The defaults that a schema allows. */
export type DefaultsOf<S extends Schema> = { readonly [K in keyof InputOf<S>]?: InputOf<S>[K] }

/** The keys of the defaults, where they are known one by one. */
export type DefaultedBy<S extends Schema, D> = string extends keyof D ? never : keyof D & keyof OutputOf<S> & string

/** The keys of `T` that are named one by one: none of an index signature. */
export type NamedKeys<T> = [
  keyof { [K in keyof T as string extends K ? never : number extends K ? never : K]: 0 },
] extends [infer K extends keyof T & string]
  ? K
  : never

/** Those of them that are not optional. */
export type RequiredKeys<T> = [{ [K in NamedKeys<T>]: object extends Pick<T, K> ? never : K }[NamedKeys<T>]] extends [
  infer K extends keyof T & string,
]
  ? K
  : never

/** The values of a dictionary with the defaults `D`: of the same types, literals widened. */
export type ValuesOf<D extends object> = D extends infer Values
  ? { -readonly [K in keyof Values]: Widened<Values[K]> }
  : never

/** The type of a literal, as `as const` leaves them; anything else as it is. */
type Widened<V> =
  IsUnion<V> extends true ? V : [V] extends [boolean] ? boolean : [V] extends [string | number] ? WidenedName<V> : V

// A record of a literal has a member that must be there. One of text, of a number or of a branded type has none.
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
export interface WriteOptions {
  /**
   * Resolve only once no process can any longer read an older value within its `maxStaleness`: the largest bound in use
   * is waited out. Default `false`. ValueKind as long as clocks tick at nearly the same rate (0.1 %), and the store does not
   * lose what it acknowledged.
   *
   * @example
   * await settings.set('payments', 'off', { everywhere: true })
   */
  everywhere?: boolean | undefined
}

/** Options of a transaction. */
export interface TransactOptions extends WriteOptions {
  /**
   * How often it is run again after a conflict, before it rejects with `ConflictError`. Default 32; 0 is allowed.
   *
   * @example
   * await stock.transact(tx => tx.set('left', tx.getOrThrow('left') - 1), { retries: 100 })
   */
  retries?: number | undefined
  /**
   * The most that the call may take, in milliseconds, at least 1. What the function itself takes does not count, but it is not run
   * again after this time. Default: the dictionary's `timeout`.
   *
   * @example
   * await stock.transact(tx => tx.set('left', tx.getOrThrow('left') - 1), { timeout: 1_000 })
   */
  timeout?: number | undefined
}

/** Options of `watch`. */
export interface WatchOptions<K extends string = string> {
  /**
   * Only changes of this key. Default: of all.
   *
   * @example
   * for await (const { value } of settings.watch({ key: 'theme' })) console.log(value)
   */
  key?: K | undefined
  /**
   * Ends the iteration.
   *
   * @example
   * for await (const change of settings.watch({ signal: AbortSignal.timeout(1_000) })) console.log(change.key)
   */
  signal?: AbortSignal | undefined
}

/** Options as the inside uses them: checked, and complete. */
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
  readonly consistency: 'linearizable' | 'sequential' | undefined
}

/** In ms. */
export const DEFAULT_TIMEOUT = 5_000

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
]

/** @throws TypeError for an option that does not exist or is not of its kind. */
export function checkOptions(options: CommonOptions & { schema?: Schema; defaults?: object } = {}): Settings {
  checkNames(options, NAMES, 'open()')
  const { autosync = true, live = false, readOnly = false, strictKeys = false } = options
  const { signal, timeout = DEFAULT_TIMEOUT, schema, defaults = {} } = options
  // A Map or an array has no members to speak of, and its defaults would be ignored without a word.
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
  }
}

/** @throws TypeError for a member that does not exist; UnsupportedError where the backend cannot record a bound. */
export function checkWriteOptions(
  options: WriteOptions | undefined,
  supports: Supports,
  dictionary: string,
  also: readonly string[] = [],
): void {
  if (options === undefined) return
  checkNames(options, ['everywhere', ...also], 'a write')
  if (options.everywhere === undefined || !boolean('everywhere', options.everywhere)) return
  if (!supports.registerMaxStaleness) throw noBound('A write { everywhere: true }', dictionary)
}

/** @throws UnsupportedError where the backend cannot record the bound that `maxStaleness` needs. */
export function checkBound(settings: Settings, supports: Supports, dictionary: string): void {
  if (settings.maxStaleness === undefined) return
  if (settings.readOnly) throw boundIsWritten(dictionary)
  if (!supports.registerMaxStaleness) throw noBound('Option "maxStaleness"', dictionary)
}

/** What a reader without the right to write is told where it would have to record a bound. */
export function boundIsWritten(dictionary: string): UnsupportedError {
  return new UnsupportedError(
    `Option "maxStaleness" needs the right to write: the bound is recorded in the store of dictionary "${dictionary}", so that ` +
      'writes { everywhere: true } wait for it. With "readOnly", use { live: true }, and compare "staleness" with your bound.',
    { dictionary },
  )
}

/** What a write is told on a dictionary that only reads. */
export function onlyReads(dictionary: string): UnsupportedError {
  return new UnsupportedError(
    `Dictionary "${dictionary}" was opened with { readOnly: true }: nothing was written. Open it without the option to write.`,
    { dictionary },
  )
}

/** @throws UnsupportedError when the backend has no linearizable check. */
export function checkConsistency({ consistency }: Settings, supports: Supports, dictionary: string): void {
  if (consistency !== 'linearizable' || supports.linearizable || supports.changesSince) return
  throw new UnsupportedError(
    `Option "consistency" cannot be "linearizable": the backend of dictionary "${dictionary}" declares that its lastUpdated() may ` +
      'lag behind. Give it a linearizable changesSince(), or leave the option out.',
    { dictionary },
  )
}

function noBound(what: string, dictionary: string): UnsupportedError {
  return new UnsupportedError(
    `${what} needs a backend with registerMaxStaleness(); that of dictionary "${dictionary}" has none.`,
    {
      dictionary,
    },
  )
}

/** @throws TypeError unless it is an AbortSignal, where one is given. */
export function checkSignal(signal: unknown): void {
  if (signal !== undefined && !(signal instanceof AbortSignal)) throw wrong('signal', 'an AbortSignal', signal)
}

/** @throws TypeError unless it is a number of milliseconds from 1. */
export function checkTimeout(timeout: unknown): number {
  return milliseconds('timeout', timeout)
}

/** @throws TypeError unless it is a whole number from 0. */
export function checkRetries(retries: unknown): number {
  if (Number.isSafeInteger(retries) && (retries as number) >= 0) return retries as number
  throw wrong('retries', 'a whole number from 0', retries)
}

/** @throws TypeError for a member that is not among `names`. */
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

/** The longest delay that timers take. */
const MAX_MS = 2 ** 31 - 1

/** @throws TypeError unless it is a number of milliseconds from 1. */
export function milliseconds(name: string, value: unknown, max = MAX_MS): number {
  if (typeof value === 'number' && value >= 1 && value <= max) return value
  throw wrong(name, `a number of milliseconds from 1 to ${max}`, value)
}

function optionalMilliseconds(name: string, value: unknown, max?: number): number | undefined {
  return value === undefined ? undefined : milliseconds(name, value, max)
}

function encoding(name: string, option: EncodingOption): Encoding<unknown> {
  const given: unknown = isClass(option) ? new option() : option
  const { name: its, encode, decode } = (given ?? {}) as Partial<Encoding>
  if (typeof its === 'string' && typeof encode === 'function' && typeof decode === 'function') {
    return given as Encoding<unknown>
  }
  throw wrong(name, 'an encoding: an object with name, encode(value) and decode(stored), or the class of one', option)
}

function isClass(option: EncodingOption): option is new () => AnyEncoding {
  return typeof option === 'function' && typeof option.prototype === 'object' && option.prototype !== null
}

/** Whether it is an object whose own members are all there is to it. */
export function isPlain(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false
  const prototype: unknown = Object.getPrototypeOf(value)
  // Also that of another realm.
  return prototype === null || Object.getPrototypeOf(prototype) === null
}

/** What is said of an option that is not of its kind. */
export function wrong(name: string, wanted: string, value: unknown): TypeError {
  return new TypeError(`Option "${name}" must be ${wanted}; got ${describeValue(value)}.`)
}

/** A value, as messages name it. */
export function describeValue(value: unknown): string {
  // A string may be a password that has come to the wrong place.
  if (typeof value === 'string') return /^[\w-]{1,20}$/.test(value) ? JSON.stringify(value) : 'a string'
  if (typeof value === 'number' || value === null) return String(value)
  return Array.isArray(value) ? 'an array' : typeof value
}
