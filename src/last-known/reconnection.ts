import { StoreUnavailableError } from '../errors/errors.js'
import { describeError } from '../errors/for-key.js'
import { clearTimeout, now, setTimeout } from '../time/clock.js'
import { within } from '../time/within.js'

/** The pause after the first failed attempt, and the longest one, in ms. Each is twice the one before, with jitter. */
const PAUSES = { first: 100, longest: 5_000 }

/** A failed attempt answers for callers that come within this time, in ms: they must not storm a store that is starting. */
const COUNTS_FOR = 100

/** What a reconnection needs. */
export interface ReconnectionOptions<R> {
  readonly dictionary: string
  /** How long a caller waits for an attempt, in ms. */
  readonly timeout: number
  /** Why the dictionary could not be opened on its store. */
  readonly cause: unknown
  /** Makes one attempt. The signal ends it. */
  connect(signal: AbortSignal): Promise<R>
  /** Called for each attempt that fails, in case it fails for a reason that time does not cure. */
  failed(cause: unknown): void
}

/**
 * Connects to a store that was down when the dictionary was opened: in the background with growing pauses, and whenever a caller needs
 * the store. One attempt at a time. Its timer does not keep the process alive.
 */
export class Reconnection<R> {
  readonly #options: ReconnectionOptions<R>
  readonly #closing = new AbortController()
  #attempt: Promise<R> | undefined
  #connected: { readonly result: R } | undefined
  #latest: { readonly cause: unknown; readonly at: number }
  #pause = PAUSES.first
  #timer: NodeJS.Timeout | undefined

  constructor(options: ReconnectionOptions<R>) {
    this.#options = options
    this.#latest = { cause: options.cause, at: now() }
    this.#schedule()
  }

  /** Why the store does not answer. */
  get fault(): StoreUnavailableError {
    return this.#unavailable(this.#latest.cause)
  }

  /** Returns the result of the attempt under way, or of another one. Rejects with `StoreUnavailableError`. */
  async join(): Promise<R> {
    if (this.#connected) return this.#connected.result
    this.#closing.signal.throwIfAborted()
    const { timeout } = this.#options
    if (!this.#attempt && now() - this.#latest.at < COUNTS_FOR) throw this.#unavailable(this.#latest.cause)
    try {
      return await within(timeout, () => this.#connect())
    } catch (cause) {
      this.#closing.signal.throwIfAborted()
      throw this.#unavailable(cause)
    }
  }

  /** Ends the attempt under way, and waits until it has released what it opened. */
  async close(reason: unknown): Promise<void> {
    clearTimeout(this.#timer)
    this.#closing.abort(reason)
    await this.#attempt?.catch(() => {})
  }

  #connect(): Promise<R> {
    clearTimeout(this.#timer)
    this.#attempt ??= this.#try().finally(() => {
      this.#attempt = undefined
    })
    return this.#attempt
  }

  async #try(): Promise<R> {
    try {
      const result = await this.#options.connect(this.#closing.signal)
      this.#connected = { result }
      return result
    } catch (cause) {
      this.#latest = { cause, at: now() }
      if (!this.#closing.signal.aborted) {
        this.#options.failed(cause)
        this.#schedule()
      }
      throw cause
    }
  }

  #schedule(): void {
    const pause = this.#pause * (0.5 + 0.5 * Math.random())
    this.#pause = Math.min(this.#pause * 2, PAUSES.longest)
    this.#timer = setTimeout(() => void this.#connect().catch(() => {}), pause).unref()
  }

  #unavailable(fault: unknown): StoreUnavailableError {
    const { dictionary } = this.#options
    const cause = rootOf(fault)
    return new StoreUnavailableError(
      `The store of dictionary "${dictionary}" has not answered since the dictionary was opened: ${describeError(cause)} It keeps ` +
        'connecting in the background; "local" serves the last known state.',
      { dictionary, cause },
    )
  }
}

/** The library's own errors speak of calls that the caller did not make. */
function rootOf(fault: unknown): unknown {
  return fault instanceof StoreUnavailableError && fault.cause !== undefined ? fault.cause : fault
}
