import { MAX_BOUND } from '../contract/answers.js'
import type { Supports } from '../contract/backend.js'
import type { HistoryPolicy } from '../contract/history.js'
import type { Encoding } from '../encodings/encoding.js'
import { RichEncoding } from '../encodings/rich-encoding.js'
import { UnsupportedError } from '../errors/errors.js'
import type { LastKnownSettings } from '../last-known/settings.js'
import { PRESENCE_TIMING, type PresenceTiming, TIMING_OPTION } from '../replica/presence-timing.js'
import { DEFAULT_TIMEOUT } from '../time/default-timeout.js'
import { checkEverywhere, type EverywhereTerms } from './everywhere-options.js'
import { checkAttribution, checkBy, checkText, type MarkedAttribution } from './history/attribution.js'
import { checkPolicy } from './history/policy.js'
import { checkLastKnown } from './last-known-option.js'
import {
  boolean,
  checkNames,
  checkSignal,
  isPlain,
  milliseconds,
  optionalMilliseconds,
  wrong,
} from './option-checks.js'
import type { AnyEncoding, CommonOptions, EncodingOption, WriteOptions } from './options.js'
import type { Schema } from './schema.js'

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
  readonly lastKnown: LastKnownSettings | undefined
  readonly whenDown: 'reject' | 'serve'
  readonly readOnly: boolean
  readonly strictKeys: boolean
  readonly by: string | undefined
  readonly history: HistoryPolicy | undefined
  readonly consistency: 'linearizable' | 'sequential' | undefined
  readonly replicas: boolean
  readonly service: string | undefined
  readonly presence: PresenceTiming
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
  'lastKnown',
  'whenDown',
  'readOnly',
  'strictKeys',
  'consistency',
  'by',
  'history',
  'replicas',
  'service',
]

/** @throws TypeError if an option does not exist or has a wrong type. */
export function checkOptions(options: CommonOptions & { schema?: Schema; defaults?: object } = {}): Settings {
  checkNames(options, NAMES, 'open()')
  const { autosync = true, live = false, readOnly = false, strictKeys = false, replicas = true } = options
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
    lastKnown: checkLastKnown(options.lastKnown),
    whenDown: whenDown(options.whenDown),
    readOnly: boolean('readOnly', readOnly),
    consistency: consistency(options.consistency),
    strictKeys: boolean('strictKeys', strictKeys),
    by: checkBy(options.by),
    history: checkPolicy(options.history),
    replicas: boolean('replicas', replicas),
    service: service(options.service),
    presence: (options as { [TIMING_OPTION]?: PresenceTiming })[TIMING_OPTION] ?? PRESENCE_TIMING,
  }
}

/** The options of a write after validation: the caller's object may change before the write is sent. */
export interface WriteTerms extends Readonly<MarkedAttribution> {
  readonly everywhere: EverywhereTerms
}

const NO_TERMS: WriteTerms = { everywhere: undefined, by: undefined, reason: undefined }

/** @throws TypeError if an option does not exist; UnsupportedError if the backend cannot record a bound. */
export function checkWriteOptions(
  options: WriteOptions | undefined,
  supports: Supports,
  dictionary: string,
  also: readonly string[] = [],
): WriteTerms {
  if (options === undefined) return NO_TERMS
  checkNames(options, ['everywhere', 'by', 'reason', ...also], 'a write')
  const attribution = checkAttribution(options)
  const everywhere = checkEverywhere(options.everywhere)
  if (everywhere && !supports.registerMaxStaleness) throw noBound('A write { everywhere: true }', dictionary)
  return { ...attribution, everywhere }
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

function consistency(value: unknown): Settings['consistency'] {
  if (value === undefined || value === 'linearizable' || value === 'sequential') return value
  throw wrong('consistency', '"linearizable" or "sequential"', value)
}

function whenDown(value: unknown = 'reject'): Settings['whenDown'] {
  if (value === 'reject' || value === 'serve') return value
  throw wrong('whenDown', '"reject" or "serve"', value)
}

/** The longest `service`, in bytes of UTF-8. */
const MAX_SERVICE = 256

/** npm sets the name of the package in the environment of its scripts. */
function service(option: unknown): string | undefined {
  if (option !== undefined) return checkText('service', option, MAX_SERVICE)
  try {
    return checkText('service', process.env.npm_package_name, MAX_SERVICE)
  } catch {
    return undefined
  }
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
