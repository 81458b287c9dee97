import type { Change, Listener, Unsubscribe } from '../contract/backend.js'
import { clearTimeout, now, setTimeout } from '../time/clock.js'
import { EditComparisons } from './edit-comparisons.js'
import { onHeartbeat } from './heartbeats.js'

/** What a live feed needs from its replica. */
export interface Feedable {
  /** Until when memory counts as current for this bound, in ms, on the monotonic clock. */
  currentUntil(bound: number): number
  /** Called when pushes may have been lost. */
  interrupted(): void
  /** Brings memory up to date. Rejects if the store cannot be reached. */
  refresh(): Promise<void>
  /** Applies a pushed change if it chains. Returns false if there is a gap. */
  push(change: Change<unknown>): boolean
  /** Compares memory with everything that is stored. */
  resync(): Promise<void>
  subscribe(listener: Listener<unknown>): Promise<Unsubscribe>
}

export interface FeedOptions {
  /** How often memory is confirmed without pushes, in ms. */
  readonly heartbeat: number
  /** From this staleness on, memory counts as stale, in ms. */
  readonly bound: number
  onStale(cause: unknown): void
  onFresh(): void
}

/**
 * Keeps memory up to date in the background. Pushes are hints: after a gap it checks the store, and a heartbeat checks the store even
 * without pushes. Its timers do not keep the process alive.
 */
export class LiveFeed implements Listener<unknown> {
  readonly #replica: Feedable
  readonly #options: FeedOptions
  readonly #comparisons = new EditComparisons(() => this.#replica.resync().catch(cause => this.interrupted(cause)))
  #unsubscribe: Unsubscribe | undefined
  #endHeartbeat: (() => void) | undefined
  #watchdog: NodeJS.Timeout | undefined
  #refreshing = false
  #askedAgain = false
  #stopped = false
  #stale = false
  #fault: unknown

  constructor(replica: Feedable, options: FeedOptions) {
    this.#replica = replica
    this.#options = options
  }

  /** @param push - false if the backend cannot push. Then only the heartbeat checks the store. */
  async start(push: boolean): Promise<void> {
    if (push) this.#unsubscribe = await this.#replica.subscribe(this)
    // Catches up with changes between loading and subscribing.
    await this.#replica.refresh()
    if (this.#stopped) return
    this.#endHeartbeat = onHeartbeat(this.#options.heartbeat, () => {
      // A check under way serves as well.
      if (!this.#refreshing) void this.#refresh()
    })
    this.#watch()
  }

  async stop(): Promise<void> {
    this.#stopped = true
    this.#comparisons.stop()
    this.#endHeartbeat?.()
    clearTimeout(this.#watchdog)
    await this.#unsubscribe?.()
  }

  changed(change?: Change<unknown>): void {
    if (this.#stopped || (change && this.#replica.push(change))) return
    void this.#refresh()
  }

  interrupted(cause: unknown): void {
    if (this.#stopped) return
    this.#fault = cause
    this.#replica.interrupted()
    void this.#refresh()
  }

  edited(): void {
    if (!this.#stopped) this.#comparisons.ask()
  }

  /** Called when memory was confirmed current. */
  confirmed(): void {
    if (!this.#stale || this.#stopped || this.#left() <= 0) return
    this.#stale = false
    this.#fault = undefined
    this.#options.onFresh()
    this.#watch()
  }

  async #refresh(): Promise<void> {
    this.#askedAgain = true
    if (this.#refreshing) return
    this.#refreshing = true
    while (this.#askedAgain && !this.#stopped) {
      this.#askedAgain = false
      await this.#replica.refresh().then(
        () => {
          this.#fault = undefined
        },
        fault => {
          this.#fault = fault
        },
      )
    }
    this.#refreshing = false
  }

  #watch(): void {
    const left = this.#left()
    if (left > 0) {
      this.#watchdog = setTimeout(() => this.#watch(), left + 1).unref()
      return
    }
    if (this.#stopped) return
    this.#stale = true
    this.#options.onStale(this.#fault)
  }

  /** For how long memory still counts as current, in ms. */
  #left(): number {
    return this.#replica.currentUntil(this.#options.bound) - now()
  }
}
