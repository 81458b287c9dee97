import type { StandardSchemaV1 } from '@standard-schema/spec'
import type { Operation, Outcome } from '../contract/backend.js'
import type { HistoryPage, HistoryQuery, StoredCommit } from '../contract/history.js'
import type { Core } from '../dictionary/core.js'
import { coreOf } from '../dictionary/core-of.js'
import type { EverywhereOptions } from '../dictionary/everywhere-options.js'
import type { ReplicaStatus } from '../dictionary/fleet.js'
import { noHistory } from '../dictionary/settings.js'
import { StoreUnavailableError } from '../errors/errors.js'
import type { FrozenState } from '../replica/frozen-state.js'
import { type Texts, textsOf } from './texts.js'
import { isStill, type Shown } from './tokens.js'

/** Who makes a change, why, and whether it waits for every process. */
export interface Terms {
  readonly by: string
  readonly reason: string | undefined
  readonly everywhere: EverywhereOptions | undefined
}

/** How often a write is tried again when other keys, or the same value, are written meanwhile. */
const ATTEMPTS = 16

/** A dictionary with its stored forms and conditions. It knows no rights: see {@link Desk}. */
export class Operator {
  readonly texts: Texts
  /** The keys that defaults and a record of schemas name. */
  readonly declared: ReadonlySet<string>
  readonly #core: Core

  /** @throws TypeError if it is not an open dictionary. */
  constructor(dictionary: unknown) {
    const core = coreOf(dictionary)
    if (!core) throw new TypeError('createConsole() takes an open dictionary, then the options.')
    this.#core = core
    const { defaults, encoding, schema } = core.internals.settings
    this.texts = textsOf(encoding)
    this.declared = new Set([...Object.keys(defaults), ...(isOne(schema) ? [] : Object.keys(schema ?? {}))])
  }

  get name(): string {
    return this.#core.internals.name
  }

  /** Whether changes are possible, conditional on the value that was shown. */
  get canWrite(): boolean {
    const { settings, store } = this.#core.internals
    return !settings.readOnly && store.supports.commit
  }

  get isLive(): boolean {
    return this.#core.internals.settings.live
  }

  get hasHistory(): boolean {
    return this.#core.internals.store.supports.history
  }

  get hasRegistry(): boolean {
    return this.#core.internals.store.supports.presence
  }

  get emitter() {
    return this.#core.internals.emitter
  }

  get closed(): AbortSignal {
    return this.#core.gate.signal
  }

  get staleness(): number {
    return this.#core.staleness
  }

  /** Returns the current state; while the store cannot be reached, what memory holds, with `reachable: false`. */
  async state(): Promise<{ readonly state: FrozenState; readonly reachable: boolean }> {
    const { replica } = this.#core.internals
    this.#core.gate.assertOpen()
    try {
      await replica.sync()
      return { state: replica.memory.freeze(), reachable: true }
    } catch (error) {
      if (!(error instanceof StoreUnavailableError)) throw error
      return { state: replica.memory.freeze(), reachable: false }
    }
  }

  /** Returns what memory holds. */
  present(): FrozenState {
    return this.#core.internals.replica.memory.freeze()
  }

  sync(): Promise<unknown> {
    return this.#core.internals.replica.sync()
  }

  /** The value that the application declares for keys that are not stored. */
  defaultOf(key: string): { readonly value: unknown } | undefined {
    const { defaults } = this.#core.internals.settings
    return Object.hasOwn(defaults, key) ? { value: defaults[key] } : undefined
  }

  schemaOf(key: string): StandardSchemaV1 | undefined {
    const { schema } = this.#core.internals.settings
    if (isOne(schema)) return schema
    return schema && Object.hasOwn(schema, key) ? schema[key] : undefined
  }

  /** @throws InvalidKeyError if the dictionary does not accept the key. */
  checkKey(key: string): void {
    this.#core.internals.keys.check(key)
  }

  /** Returns a stored value as it was written: no schema is applied. @throws DecodingError */
  decode(key: string, stored: unknown): unknown {
    return this.#core.internals.codec.raw(key, stored)
  }

  get hasSchema(): boolean {
    return this.#core.internals.settings.schema !== undefined
  }

  /** @throws the error that reading it throws, if its schema refuses it. */
  checkStored(key: string, stored: unknown): void {
    this.#core.internals.codec.checkStored(key, stored)
  }

  /** @throws InvalidKeyError, InvalidValueError, EncodingError */
  encode(key: string, value: unknown): unknown {
    return this.#core.internals.codec.encode(key, value)
  }

  /** @throws UnsupportedError if the store keeps no history. */
  async history(query: HistoryQuery): Promise<HistoryPage<unknown>> {
    this.#core.gate.assertOpen()
    if (!this.hasHistory) throw noHistory('The history', this.name)
    return this.#core.internals.past.history(query)
  }

  async commit(id: string): Promise<StoredCommit<unknown> | undefined> {
    return (await this.history({ id, limit: 1 })).commits[0]
  }

  replicas(): Promise<ReplicaStatus[]> {
    return this.#core.fleet.replicas()
  }

  /** Executes the operation if the value is still the one that was shown. Returns whether it was. */
  async writeIf(
    shown: Shown,
    operation: Operation<unknown> & { readonly key: string },
    terms: Terms,
  ): Promise<boolean> {
    const { key } = operation
    for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
      await this.sync()
      const state = this.present()
      if (!isStill(shown, state, key)) return false
      const since = shown.type === 'since' ? shown.version : state.version
      const group = { conditions: [{ type: 'unchanged', key, since } as const], operations: [operation] }
      const outcome = await this.#submit(group, terms)
      if (outcome.status === 'done') return true
      if (shown.type === 'since') return false
    }
    return false
  }

  /** @throws ConflictError, HistoryError */
  async revert(id: string, force: boolean, { by, reason, everywhere }: Terms): Promise<void> {
    const writes = this.#core.writes.as({ by, via: 'console' })
    await this.#core.past.revert(id, { force, reason, everywhere: everywhere ?? false }, writes)
  }

  #submit(group: Parameters<Core['writes']['submit']>[0], { by, reason, everywhere }: Terms): Promise<Outcome> {
    const writes = this.#core.writes.as({ by, via: 'console' })
    return writes.submit(group, writes.checkOptions({ reason, everywhere: everywhere ?? false }))
  }
}

function isOne(schema: unknown): schema is StandardSchemaV1 {
  return typeof schema === 'function' || (typeof schema === 'object' && schema !== null && '~standard' in schema)
}
