import type { StandardSchemaV1 } from '@standard-schema/spec'
import type { Condition, Operation } from '../contract/backend.js'
import type { HistoryQuery, KeyChange, StoredCommit } from '../contract/history.js'
import type { Core } from '../dictionary/core.js'
import { coreOf } from '../dictionary/core-of.js'
import type { DurableDict } from '../dictionary/durable-dict.js'
import type { EverywhereOptions } from '../dictionary/everywhere-options.js'
import { ConflictError, UnsupportedError } from '../errors/errors.js'
import type { FrozenState } from '../replica/frozen-state.js'
import { usage } from './failure.js'
import { ValueTexts } from './values/value-text.js'

/** Who makes a change, why, and whether it waits for every process. */
export interface Terms {
  readonly by: string
  readonly reason: string | undefined
  readonly everywhere: EverywhereOptions | undefined
}

/** What a change does to the keys that it touches. It is computed from one state, and again after a conflict. */
export type Plan = (state: FrozenState) => readonly KeyChange<unknown>[]

/** How often a change is tried again when its keys are written meanwhile. */
const ATTEMPTS = 16

/** Up to this many keys are guarded one by one; for more, the whole state must be unchanged. */
const GUARDED_KEYS = 1_000

/** An open dictionary with its stored forms, for all verbs. */
export class Desk {
  readonly dict: DurableDict
  readonly texts: ValueTexts
  readonly core: Core
  /** Set if it does not exist in the store yet: a sentence about it. */
  readonly absence?: string
  #hasSent = false

  /** @throws Failure if it is not an open dictionary. */
  constructor(dictionary: unknown) {
    const core = coreOf(dictionary)
    if (!core) throw usage('The configuration must return an open dictionary, such as await RedisDict.open(…).')
    this.core = core
    this.dict = dictionary as DurableDict
    this.texts = new ValueTexts(core.internals.settings.encoding)
  }

  get name(): string {
    return this.core.internals.name
  }

  /** Whether memory has no entry. */
  get isEmpty(): boolean {
    return this.core.internals.replica.memory.freeze().size === 0
  }

  /** Whether a change was sent to the store. */
  get hasSent(): boolean {
    return this.#hasSent
  }

  get hasHistory(): boolean {
    return this.core.internals.store.supports.history === true
  }

  /** The keys that defaults and a record of schemas name. */
  get declared(): ReadonlySet<string> {
    const { defaults, schema } = this.core.internals.settings
    return new Set([...Object.keys(defaults), ...(isOne(schema) ? [] : Object.keys(schema ?? {}))])
  }

  schemaOf(key: string): StandardSchemaV1 | undefined {
    const { schema } = this.core.internals.settings
    if (isOne(schema)) return schema
    return schema && Object.hasOwn(schema, key) ? schema[key] : undefined
  }

  /** Returns the current state of the store. */
  async state(): Promise<FrozenState> {
    const { replica } = this.core.internals
    this.core.gate.assertOpen()
    await replica.sync()
    return replica.memory.freeze()
  }

  /** @throws InvalidKeyError */
  checkKey(key: string): void {
    this.core.internals.keys.check(key)
  }

  /** The value as it was written: no schema is applied. @throws DecodingError */
  decode(key: string, stored: unknown): unknown {
    return this.core.internals.codec.raw(key, stored)
  }

  /** The text of a stored value, from which `import` and `set --encoded` restore it. @throws DecodingError */
  textOf(key: string, stored: unknown): string {
    return this.texts.lossless(this.decode(key, stored), stored)
  }

  /** @throws InvalidKeyError, InvalidValueError, EncodingError */
  encode(key: string, value: unknown): unknown {
    this.checkKey(key)
    return this.core.internals.codec.encode(key, value)
  }

  /** The value that the application declares for a key that is not stored. */
  defaultOf(key: string): { readonly value: unknown } | undefined {
    const { defaults } = this.core.internals.settings
    return Object.hasOwn(defaults, key) ? { value: defaults[key] } : undefined
  }

  async commits(query: HistoryQuery): Promise<readonly StoredCommit<unknown>[]> {
    return (await this.core.internals.past.history(query)).commits
  }

  /** Executes the changes in one commit. Returns them as they were executed: on the values that they replaced. */
  async change(plan: Plan, terms: Terms): Promise<readonly KeyChange<unknown>[]> {
    if (!this.core.internals.store.supports.commit) throw noCommit(this.name)
    for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
      const state = await this.state()
      const changes = plan(state)
      if (changes.length === 0) return changes
      if (await this.#submit(state, changes, terms)) return changes
    }
    throw new ConflictError(
      `The keys were written at each of ${ATTEMPTS} attempts, so that nothing was changed. Try again.`,
      { dictionary: this.name },
    )
  }

  /** @throws ConflictError, HistoryError */
  async revert(id: string, options: { keys?: readonly string[]; force: boolean }, terms: Terms): Promise<void> {
    const { by, reason, everywhere } = terms
    const writes = this.core.writes.as({ by, via: 'cli' })
    this.#hasSent = true
    await this.core.past.revert(id, { ...options, reason, everywhere: everywhere ?? false }, writes)
  }

  async #submit(state: FrozenState, changes: readonly KeyChange<unknown>[], terms: Terms): Promise<boolean> {
    const { by, reason, everywhere } = terms
    const writes = this.core.writes.as({ by, via: 'cli' })
    const group = { conditions: guards(state, changes), operations: changes.map(toOperation) }
    this.#hasSent = true
    const outcome = await writes.submit(group, writes.checkOptions({ reason, everywhere: everywhere ?? false }))
    return outcome.status === 'done'
  }
}

function guards({ version }: FrozenState, changes: readonly KeyChange<unknown>[]): Condition[] {
  if (changes.length > GUARDED_KEYS) return [{ type: 'version', version }]
  return changes.map(({ key }) => ({ type: 'unchanged', key, since: version }))
}

function toOperation({ key, after }: KeyChange<unknown>): Operation<unknown> {
  return after === undefined ? { type: 'delete', key } : { type: 'set', key, stored: after }
}

function isOne(schema: unknown): schema is StandardSchemaV1 {
  return typeof schema === 'function' || (typeof schema === 'object' && schema !== null && '~standard' in schema)
}

function noCommit(dictionary: string): UnsupportedError {
  return new UnsupportedError(`The backend of dictionary "${dictionary}" has no commit(), which every change needs.`, {
    dictionary,
  })
}
