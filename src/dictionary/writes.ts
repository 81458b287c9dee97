import type { Group, Operation, Outcome } from '../contract/backend.js'
import { DamagedValue } from '../contract/damaged-value.js'
import type { Attribution } from '../contract/history.js'
import { forKey } from '../errors/for-key.js'
import { writeFault } from '../replica/faults.js'
import { now } from '../time/clock.js'
import { late, within } from '../time/within.js'
import type { Internals } from './assembly.js'
import { waitEverywhere } from './everywhere.js'
import type { Gate } from './gate.js'
import { attributionOf, type MarkedAttribution, withFallback } from './history/attribution.js'
import { noSuchKey } from './no-such-key.js'
import type { WriteOptions } from './options.js'
import { toPairs } from './pairs.js'
import { authorHere } from './request-scope.js'
import { checkWriteOptions, onlyReads, type WriteTerms } from './settings.js'

const CLEAR: Operation<unknown> = { type: 'clear' }

const NOBODY: MarkedAttribution = {}

/** All writes: checked and encoded here, executed by the store, then applied to memory. */
export class Writes {
  readonly #internals: Internals
  readonly #gate: Gate
  readonly #identity: object
  /** Who makes the writes and why, unless they say it themselves. */
  readonly attribution: MarkedAttribution

  /** @param identity - what the dictionary is known by to requests. */
  constructor(internals: Internals, gate: Gate, identity: object, attribution: MarkedAttribution = NOBODY) {
    this.#internals = internals
    this.#gate = gate
    this.#identity = identity
    this.attribution = attribution
  }

  /** The same writes, by this author. */
  as(attribution: MarkedAttribution): Writes {
    return new Writes(this.#internals, this.#gate, this.#identity, attribution)
  }

  async set(key: string, value: unknown, options?: WriteOptions): Promise<void> {
    const terms = this.#check(key, options)
    if (this.#internals.absence) await this.#connected(terms)
    await this.#one({ type: 'set', key, stored: this.#internals.codec.encode(key, value) }, terms)
  }

  async delete(key: string, options?: WriteOptions): Promise<boolean> {
    const terms = this.#check(key, options)
    return (await this.#one({ type: 'delete', key }, terms)) as boolean
  }

  async clear(options?: WriteOptions): Promise<void> {
    await this.#one(CLEAR, this.checkOptions(options))
  }

  async update(entries: unknown, options?: WriteOptions): Promise<void> {
    const terms = this.checkOptions(options)
    if (this.#internals.absence) await this.#connected(terms)
    const stored = new Map<string, unknown>()
    for (const [given, value] of toPairs(entries)) {
      const key = this.#internals.keys.check(given)
      stored.set(key, this.#internals.codec.encode(key, value))
    }
    if (stored.size === 0) return
    const operations = Array.from(stored, ([key, stored]) => ({ type: 'set', key, stored }) as const)
    await this.submit({ conditions: [], operations }, terms)
  }

  /** Makes what is stored at these keys a change, also if the library did not store it. */
  async touch(keys: readonly string[]): Promise<void> {
    const known = this.#internals.replica.memory.freeze()
    const operations = keys.map(key => touchOf(key, known.stored(key)))
    if (operations.length === 0) return
    await this.submit({ conditions: [], operations }, { ...this.checkOptions(undefined), via: 'outside' })
  }

  async pop(key: string, fallback: readonly unknown[], options?: WriteOptions): Promise<unknown> {
    const terms = this.#check(key, options)
    const until = now() + this.#internals.settings.timeout
    const stored = await this.#one({ type: 'pop', key }, terms)
    if (stored !== undefined) return this.#decodeOrPutBack(key, stored, terms, until)
    if (fallback.length > 0) return fallback[0]
    throw noSuchKey(key, this.#internals.name)
  }

  async setDefault(key: string, value: unknown, options?: WriteOptions): Promise<unknown> {
    const terms = this.#check(key, options)
    if (this.#internals.absence) await this.#connected(terms)
    const { codec, replica } = this.#internals
    const stored = await this.#one({ type: 'setDefault', key, stored: codec.encode(key, value) }, terms)
    const { entries } = replica.memory
    // Shares the value that readers of memory get, if it is the same.
    return entries.stored.get(key) === stored ? entries.get(key) : codec.decode(key, stored).value
  }

  /**
   * Executes the group; rejects if the store refuses it. Memory contains the result when this resolves.
   *
   * @param limit - how long it may take, in ms, before a bound is waited out. Default: the timeout.
   */
  async submit(group: Group<unknown>, terms: WriteTerms, limit?: number): Promise<Outcome> {
    this.#gate.assertOpen()
    if (this.#internals.absence) await this.#connected(terms)
    const { replica, name, store } = this.#internals
    const attribution = this.attributed(terms)
    const { everywhere } = terms
    const noted = attribution ? { ...group, attribution } : group
    const send = () => replica.submit(noted, limit, everywhere !== undefined)
    const outcome = await store.diagnostics.commit(group.operations.length, send)
    if (outcome.status === 'refused') throw writeFault(outcome.error, name)
    if (everywhere && outcome.receipt && outcome.status === 'done') {
      await waitEverywhere(this.#internals, this.#gate, outcome.receipt, everywhere)
    }
    return outcome
  }

  /** What the history says about a write on these terms, at this moment and place. */
  attributed(terms: MarkedAttribution): Attribution | undefined {
    return attributionOf(terms, () => authorHere(this.#identity) ?? this.#internals.settings.by)
  }

  /** @throws ClosedError */
  assertOpen(): void {
    this.#gate.assertOpen()
  }

  /** @throws ClosedError, or UnsupportedError if the dictionary only reads. */
  assertWritable(): void {
    this.#gate.assertOpen()
    if (this.#internals.settings.readOnly) throw onlyReads(this.#internals.name)
  }

  /** @throws ClosedError, TypeError, UnsupportedError */
  checkOptions(options: WriteOptions | undefined, also?: readonly string[]): WriteTerms {
    this.assertWritable()
    const terms = checkWriteOptions(options, this.#internals.store.supports, this.#internals.name, also)
    if (this.attribution === NOBODY) return terms
    return { ...withFallback(terms, this.attribution), everywhere: terms.everywhere }
  }

  /** Only a store that has answered says in which form it takes values. */
  async #connected({ everywhere }: WriteTerms): Promise<void> {
    await this.#internals.absence?.join()
    this.#gate.assertOpen()
    if (everywhere) checkWriteOptions({ everywhere: true }, this.#internals.store.supports, this.#internals.name)
  }

  #check(key: unknown, options: WriteOptions | undefined): WriteTerms {
    const terms = this.checkOptions(options)
    this.#internals.keys.check(key)
    return terms
  }

  /**
   * Decodes a popped value. A value that cannot be decoded is put back, unless someone wrote the key meanwhile. Damaged bytes
   * cannot be put back.
   */
  async #decodeOrPutBack(key: string, stored: unknown, terms: WriteTerms, until: number): Promise<unknown> {
    try {
      return this.#internals.codec.decode(key, stored).value
    } catch (error) {
      if (!(stored instanceof DamagedValue)) await this.#putBack(key, stored, terms, until)
      throw error
    }
  }

  /** Has its full time. The caller waits only for what is left of its own. */
  async #putBack(key: string, stored: unknown, terms: WriteTerms, until: number): Promise<void> {
    const { name, settings } = this.#internals
    const work = () => this.#one({ type: 'setDefault', key, stored }, { ...terms, everywhere: undefined })
    const fault = () => forKey(writeFault(late(settings.timeout), name), key)
    await within(until - now(), work, undefined, fault)
  }

  async #one(operation: Operation<unknown>, terms: WriteTerms): Promise<unknown> {
    try {
      const outcome = await this.submit({ conditions: [], operations: [operation] }, terms)
      return outcome.status === 'done' ? outcome.results[0] : undefined
    } catch (error) {
      throw operation.type === 'clear' ? error : forKey(error, operation.key)
    }
  }
}

/** @param before - what the history says was there. A damaged value cannot be said. */
function touchOf(key: string, before: unknown): Operation<unknown> {
  return before instanceof DamagedValue ? { type: 'touch', key } : { type: 'touch', key, before }
}
