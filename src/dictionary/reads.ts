import { forKey } from '../errors/for-key.js'
import type { FrozenState } from '../replica/frozen-state.js'
import { now } from '../time/clock.js'
import type { Internals } from './assembly.js'
import type { Gate } from './gate.js'
import { noSuchKey } from './no-such-key.js'
import { ServingChecks } from './serving-checks.js'
import { FreshView, LocalView, type Snapshot, StateView } from './views.js'

/** All reads: each first brings memory as up to date as the mode requires, then reads memory. */
export class Reads {
  readonly local: LocalView<Record<string, unknown>>
  readonly #internals: Internals
  readonly #gate: Gate
  /** Set if reads are served while the store is unavailable. */
  readonly #serving: ServingChecks | undefined
  #fresh: FreshView<Record<string, unknown>> | undefined
  #snapshot: WeakRef<StateView> | undefined

  constructor(internals: Internals, gate: Gate) {
    this.#internals = internals
    this.#gate = gate
    this.#serving = internals.settings.whenDown === 'serve' ? new ServingChecks(internals) : undefined
    this.local = new LocalView(internals.replica.memory, internals, () => this.held())
  }

  /** @throws TypeError if the dictionary has no bound. */
  get fresh(): FreshView<Record<string, unknown>> {
    this.#fresh ??= this.#makeFresh()
    return this.#fresh
  }

  async get(key: string): Promise<unknown> {
    this.#gate.assertOpen()
    const check = this.#check()
    if (check) {
      try {
        await check
      } catch (error) {
        throw forKey(error, key)
      }
    }
    return this.#read(key)
  }

  async getOrThrow(key: string): Promise<unknown> {
    const value = await this.get(key)
    if (value === undefined) throw noSuchKey(key, this.#internals.name)
    return value
  }

  /** Returns the view of memory after the check that the mode requires. */
  async current(): Promise<LocalView<Record<string, unknown>>> {
    this.#gate.assertOpen()
    const check = this.#check()
    if (check) await check
    return this.local
  }

  /** For transactions, which never begin on a state that the mode would not serve by itself. */
  async state(): Promise<FrozenState> {
    this.#gate.assertOpen()
    if (this.#mustCheck()) await this.#internals.replica.checkUnlessKnown()
    return this.#internals.replica.memory.freeze()
  }

  async snapshot(): Promise<Snapshot> {
    await this.current()
    return this.present()
  }

  /** Returns a snapshot of what memory holds now. For one state it is the same object while anyone references it. */
  present(): StateView {
    const state = this.#internals.replica.memory.freeze()
    const earlier = this.#snapshot?.deref()
    if (earlier?.holds(state)) return earlier
    const snapshot = new StateView(state, this.#internals)
    this.#snapshot = new WeakRef(snapshot)
    return snapshot
  }

  /** As `present`, but kept until memory changes: for values that are computed at most once for each state. */
  held(): StateView {
    const { memory } = this.#internals.replica
    memory.pinned ??= this.present()
    return memory.pinned as StateView
  }

  /** Returns the check to wait for before memory is read; `undefined` if memory is as up to date as the mode requires. */
  #check(): Promise<void> | undefined {
    if (!this.#mustCheck()) return undefined
    return this.#serving ? this.#serving.confirm() : this.#internals.replica.checkUnlessKnown()
  }

  #mustCheck(): boolean {
    const { settings, replica } = this.#internals
    if (!settings.autosync) return false
    // Read the clock each time: an earlier result would be wrong after the process was suspended.
    return settings.maxStaleness === undefined || now() >= replica.reliance.until
  }

  #read(key: string): unknown {
    const { replica, defaults, keys } = this.#internals
    if (keys.isStrict) keys.check(key)
    const value = replica.memory.entries.get(key)
    if (value !== undefined) return value
    // Checked only here, because the key of a stored value is valid.
    keys.check(key)
    return defaults.of(key)
  }

  #makeFresh(): FreshView<Record<string, unknown>> {
    const { settings, name } = this.#internals
    if (settings.maxStaleness === undefined) {
      throw new TypeError(`Dictionary "${name}" has no "fresh" view: open it with the option "maxStaleness".`)
    }
    return new FreshView(this.#internals, this.local, settings.maxStaleness, name, settings.live)
  }
}
