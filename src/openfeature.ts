import {
  type EvaluationContext,
  type FlagValue,
  type JsonValue,
  type Logger,
  OpenFeatureEventEmitter,
  type Provider,
  ProviderEvents,
  ProviderFatalError,
  type ResolutionDetails,
} from '@openfeature/server-sdk'
import type { DurableDict } from './dictionary/durable-dict.js'
import type { Change } from './dictionary/events.js'
import { checkNames } from './dictionary/option-checks.js'
import { requestApiOf } from './dictionary/request-api.js'
import { ChangedKeys } from './flags/changes.js'
import type { FlagType } from './flags/definition.js'
import { Flagd, type FlagdPackage } from './flags/flagd.js'
import { type Evaluate, Resolver } from './flags/resolver.js'
import { setImmediate } from './time/clock.js'

export type { FlagdPackage } from './flags/flagd.js'
export type { Evaluate, Evaluated, EvaluatedFlag } from './flags/resolver.js'

/** Options of a `DurableDictProvider`. */
export interface DurableDictProviderOptions {
  /**
   * Decides about a flag by the stored value and the context of the evaluation: targeting. `undefined` leaves the flag as it is.
   *
   * @example
   * new DurableDictProvider(flags, {
   *   evaluate: (stored, { tenant }, { key }) =>
   *     key === 'new-checkout' && tenant === 'acme' ? { value: true, variant: 'acme' } : undefined,
   * })
   */
  evaluate?: Evaluate | undefined
  /**
   * The package `@openfeature/flagd-core`, which evaluates flag definitions in the format of flagd. A bundled program needs it because
   * the bundler does not see what the library imports. Default: the installed one.
   *
   * @example
   * import * as flagd from '@openfeature/flagd-core'
   *
   * new DurableDictProvider(flags, { flagd })
   */
  flagd?: FlagdPackage | undefined
}

/** An open dictionary, of any types. */
export interface FlagDictionary {
  readonly name: string
  current(): object
}

/**
 * A provider of flags for the OpenFeature SDK for servers. Each key of the dictionary is a flag: its value, or a definition in the
 * format of flagd, which flagd's own engine evaluates.
 *
 * It reads `dict.current()`: inside the middleware or plugin for a web framework, all flags of a request are evaluated in one state.
 * An evaluation never waits for the store. Open the dictionary with `live`, so that memory follows it. The reason is `'STALE'` while
 * `dict.health()` is not ok.
 *
 * @throws TypeError if the first argument is not a dictionary, or for an invalid option.
 *
 * @example
 * const flags = await RedisDict.open('flags', client, { live: true })
 * await OpenFeature.setProviderAndWait(new DurableDictProvider(flags))
 * await OpenFeature.getClient().getBooleanValue('new-checkout', false)
 */
export class DurableDictProvider implements Provider {
  readonly metadata = { name: 'durabledict' } as const
  readonly runsOn = 'server'
  readonly events = new OpenFeatureEventEmitter()
  readonly #dict: DurableDict
  readonly #resolver: Resolver
  readonly #changed = new ChangedKeys()
  #stop: (() => void) | undefined

  constructor(dict: FlagDictionary, options: DurableDictProviderOptions = {}) {
    if (!requestApiOf(dict)) throw new TypeError('DurableDictProvider takes an open dictionary, then the options.')
    checkNames(options, ['evaluate', 'flagd'], 'DurableDictProvider')
    const { evaluate, flagd } = options
    if (evaluate !== undefined && typeof evaluate !== 'function')
      throw new TypeError('Option "evaluate" of DurableDictProvider must be a function.')
    this.#dict = dict as DurableDict
    this.#resolver = new Resolver(this.#dict, evaluate, new Flagd(flagd))
  }

  /** Called by the SDK. Rejects with `ProviderFatalError` if the dictionary is closed. */
  async initialize(): Promise<void> {
    const { status, reason } = this.#dict.health()
    if (status === 'closed') throw new ProviderFatalError(reason)
    this.#follow()
    // After the SDK has noted that the provider is ready.
    if (status === 'degraded') setImmediate(() => this.#emitDegraded())
  }

  /** Unless the store has answered meanwhile, or the provider was closed: a late event would stay the last one. */
  #emitDegraded(): void {
    const { status, reason } = this.#dict.health()
    if (this.#stop && status === 'degraded') this.#emit(ProviderEvents.Stale, reason ?? status)
  }

  /** Called by the SDK at its shutdown. The dictionary stays open. */
  async onClose(): Promise<void> {
    this.#stop?.()
    this.#stop = undefined
  }

  resolveBooleanEvaluation(
    key: string,
    defaultValue: boolean,
    context: EvaluationContext,
    logger: Logger,
  ): Promise<ResolutionDetails<boolean>> {
    return this.#resolve('boolean', key, defaultValue, context, logger)
  }

  resolveStringEvaluation(
    key: string,
    defaultValue: string,
    context: EvaluationContext,
    logger: Logger,
  ): Promise<ResolutionDetails<string>> {
    return this.#resolve('string', key, defaultValue, context, logger)
  }

  resolveNumberEvaluation(
    key: string,
    defaultValue: number,
    context: EvaluationContext,
    logger: Logger,
  ): Promise<ResolutionDetails<number>> {
    return this.#resolve('number', key, defaultValue, context, logger)
  }

  resolveObjectEvaluation<T extends JsonValue>(
    key: string,
    defaultValue: T,
    context: EvaluationContext,
    logger: Logger,
  ): Promise<ResolutionDetails<T>> {
    return this.#resolve('object', key, defaultValue, context, logger)
  }

  #resolve<V extends FlagValue>(
    type: FlagType,
    key: string,
    defaultValue: V,
    context: EvaluationContext,
    logger: Logger,
  ): Promise<ResolutionDetails<V>> {
    const question = { type, key, defaultValue, context, logger }
    return this.#resolver.resolve(question) as Promise<ResolutionDetails<V>>
  }

  /** Passes on the events of the dictionary. Changes come one by one, then the state that they lead to. */
  #follow(): void {
    if (this.#stop) return
    const dict = this.#dict
    const stale = () => this.#emit(ProviderEvents.Stale, dict.health().reason ?? 'The dictionary is stale.')
    const fresh = () => this.#emit(ProviderEvents.Ready, 'The dictionary is confirmed again.')
    const change = ({ key }: Change) => this.#changed.add(key)
    const sync = () => this.#emitChanges()
    const close = () => this.#emit(ProviderEvents.Error, 'The dictionary is closed.')
    dict.on('stale', stale).on('fresh', fresh).on('change', change).on('sync', sync).on('close', close)
    this.#stop = () => {
      dict.off('stale', stale).off('fresh', fresh).off('change', change).off('sync', sync).off('close', close)
    }
  }

  #emitChanges(): void {
    const flagsChanged = this.#changed.take(this.#dict.local)
    if (flagsChanged.length > 0) this.events.emit(ProviderEvents.ConfigurationChanged, { flagsChanged })
  }

  #emit(event: ProviderEvents.Ready | ProviderEvents.Stale | ProviderEvents.Error, message: string): void {
    this.events.emit(event, { message })
  }
}
