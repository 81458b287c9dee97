import { hostname } from 'node:os'
import type { Version } from '../contract/backend.js'
import type { Presence } from '../contract/presence.js'
import { ClosedError } from '../errors/errors.js'
import { describeError } from '../errors/for-key.js'
import { now, setImmediate } from '../time/clock.js'
import { within } from '../time/within.js'
import { VERSION } from '../version.js'
import { warn } from '../warnings/warnings.js'
import type { BoundedStore } from './bounded-store.js'
import type { PresenceTiming } from './presence-timing.js'
import type { Reliance } from './reliance.js'
import { tickEvery } from './ticker.js'

/** How long `open` waits for what is best effort, in ms: at most half of its time limit. */
const PATIENCE = 250

/** The most characters of a host name. */
const MAX_HOST = 255

/** What a replica does in the registry. */
export interface MembershipOptions {
  readonly service: string | undefined
  readonly live: boolean
  readonly timing: PresenceTiming
}

/** Needed from the replica once it is loaded. */
export interface Member {
  /** What memory holds. */
  version(): Version
  /** Called when memory must be confirmed again, or is known to be behind. */
  refresh(): Promise<void>
  /** Called when the largest recorded bound is known. */
  bounded(bound: number): void
}

/**
 * The record of a replica in the registry: it is written before the replica first relies on memory, renewed while the dictionary is
 * open, and says which version memory holds.
 */
export class Membership {
  readonly id = crypto.randomUUID()
  readonly #store: BoundedStore
  readonly #reliance: Reliance
  readonly #options: MembershipOptions
  #bound: number | undefined
  #member: Member | undefined
  #sending: Promise<void> = Promise.resolve()
  #rejoining = false
  #isAcknowledging = false
  /** Whether a record was sent. */
  #isKnown = false
  /** Whether the store has confirmed one. */
  #isListed = false
  #hasWarned = false
  #stopped = false
  #stopTicking = () => {}

  /** @param bound - in ms. Default: it never relies on memory, and its record is only for people. */
  constructor(store: BoundedStore, reliance: Reliance, options: MembershipOptions, bound: number | undefined) {
    this.#store = store
    this.#reliance = reliance
    this.#options = options
    this.#bound = bound
  }

  /** Begins to renew. Resolves when the record says what memory holds, or soon after. */
  async start(member: Member): Promise<void> {
    this.#member = member
    this.#stopTicking = tickEvery(this.#options.timing.renewEvery, () => void this.#renew())
    const first = this.#bound === undefined ? this.join() : this.#acknowledge()
    await within(Math.min(PATIENCE, this.#store.timeout / 2), () => first).catch(() => {})
  }

  /** Writes or renews the record. Calls are executed one after the other, so that a later one prevails. */
  join(): Promise<void> {
    this.#sending = this.#sending.catch(() => {}).then(() => this.#register())
    return this.#sending
  }

  /** Joins again in the background after the record may have been lost. */
  async rejoin(): Promise<void> {
    if (this.#rejoining || this.#stopped) return
    this.#rejoining = true
    await this.join().catch(() => {})
    this.#rejoining = false
  }

  /** Records a larger bound. The reader may rely on it for confirmations after this has resolved. */
  async raise(bound: number): Promise<void> {
    this.#bound = Math.max(this.#bound ?? 0, bound)
    await this.join()
  }

  /** Says which version memory holds: in the next turn of the event loop, once for all changes of this one. */
  acknowledge(): void {
    if (this.#isAcknowledging || this.#bound === undefined) return
    this.#isAcknowledging = true
    setImmediate(() => void this.#acknowledge().catch(() => {}))
  }

  /** Leaves after a failed opening, as far as that works soon. */
  async abandon(): Promise<void> {
    this.stop()
    if (this.#isKnown) await this.#store.leave(this.id, PATIENCE).catch(() => {})
  }

  /** Nothing is sent after this. */
  stop(): void {
    this.#stopped = true
    this.#stopTicking()
    this.#reliance.lost()
  }

  async #register(): Promise<void> {
    if (this.#stopped) return
    const { ttl } = this.#options.timing
    const sentAt = now()
    this.#isKnown = true
    const { version, bound, renewed } = await this.#store.register(this.#presence(), ttl)
    this.#isListed = true
    if (this.#stopped) return
    if (renewed === false) this.#reliance.lost()
    this.#reliance.renewed(sentAt, ttl)
    if (bound !== undefined) this.#member?.bounded(bound)
    if (this.#bound === undefined || !this.#member) return
    const isBehind = version !== undefined && !Object.is(version, this.#member.version())
    if (isBehind || this.#reliance.needsCheck) void this.#member.refresh().catch(() => {})
  }

  /**
   * Without a bound the record is for people only: a failure changes nothing but what `replicas()` shows. A warning
   * says so when the second attempt fails too, unless the backend knows that this will pass: a lock, a lost connection.
   */
  async #renew(): Promise<void> {
    try {
      await this.join()
    } catch (cause) {
      if (
        this.#stopped ||
        this.#isListed ||
        this.#hasWarned ||
        this.#bound !== undefined ||
        cause instanceof ClosedError ||
        !this.#store.isLasting(cause)
      )
        return
      this.#hasWarned = true
      warn(
        'DURABLEDICT_PRESENCE',
        `Dictionary "${this.#store.name}" could not register in its store, so that replicas() may not list it: ${describeError(cause)} ` +
          'Grant the right to write, or open it with { replicas: false }.',
        { source: this.#store.name },
      )
    }
  }

  async #acknowledge(): Promise<void> {
    this.#isAcknowledging = false
    if (this.#stopped || !this.#member) return
    await this.#store.acknowledge(this.id, this.#member.version())
  }

  #presence(): Presence {
    const { service, live } = this.#options
    return {
      id: this.id,
      host: hostname().slice(0, MAX_HOST),
      pid: process.pid,
      library: VERSION,
      live,
      ...(service !== undefined && { service }),
      ...(this.#bound !== undefined && { bound: this.#bound }),
      ...(this.#member && { version: this.#member.version() }),
    }
  }
}
