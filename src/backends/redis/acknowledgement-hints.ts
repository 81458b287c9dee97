import { clearTimeout, setTimeout } from '../../time/clock.js'
import { onAbort } from '../../time/on-abort.js'
import { pause } from '../../time/pause.js'
import type { ChannelListener } from './subscriptions.js'

/** For how long the process stays subscribed after the latest write that waited, in ms. */
const LINGER = 10_000

/** How soon to subscribe again after a failure, in ms. */
const RETRY_AFTER = 10_000

/** The most hints that are remembered. */
const REMEMBERED = 10_000

type Follower = (id: string) => void

/** Subscribes to the channel of acknowledgements. Resolves once messages arrive. */
type Subscribe = (listener: ChannelListener, signal: AbortSignal) => Promise<unknown>

/**
 * The ids of replicas that have just acknowledged, as the server pushes them while writers of this process wait, and for a while
 * after. They are only hints: the registry has the acknowledgements.
 */
export class AcknowledgementHints {
  readonly #subscribe: Subscribe
  readonly #closing: AbortSignal
  readonly #followers = new Set<Follower>()
  /** The version at which each replica has hinted last: a hint may arrive before the answer to the write. */
  readonly #latest = new Map<string, string>()
  /** Ends the subscription. */
  #subscription: AbortController | undefined
  #isOpen = false
  #timer: NodeJS.Timeout | undefined

  /** @param closing - aborted when the dictionary is closed. */
  constructor(subscribe: Subscribe, closing: AbortSignal) {
    this.#subscribe = subscribe
    this.#closing = closing
    onAbort(closing, () => clearTimeout(this.#timer))
  }

  /** Whether hints arrive: they do once the subscription that the first `follow` starts is there. */
  get areOpen(): boolean {
    return this.#isOpen
  }

  /** Calls back for each hint until the returned function is called. */
  follow(hinted: (id: string) => void): () => void {
    // A wrapper for each call, so that the same function can follow twice.
    const follower: Follower = id => hinted(id)
    this.#followers.add(follower)
    this.#open()
    return () => {
      this.#followers.delete(follower)
      if (this.#followers.size === 0) this.#closeAfter(LINGER)
    }
  }

  /** Waits until each of these replicas has hinted, about `ms` at most; not at all if no hints arrive. */
  async all(version: string, ids: readonly string[], ms: number, signal: AbortSignal): Promise<void> {
    const missing = new Set(ids.filter(id => this.#latest.get(id) !== version))
    if (!this.#isOpen || missing.size === 0) return
    const complete = new AbortController()
    const stop = this.follow(id => {
      if (missing.delete(id) && missing.size === 0) complete.abort()
    })
    await pause(ms, AbortSignal.any([signal, complete.signal]))
    stop()
  }

  #open(): void {
    clearTimeout(this.#timer)
    if (this.#subscription || this.#closing.aborted) return
    const subscription = new AbortController()
    this.#subscription = subscription
    const listener = {
      message: (text: string) => this.#note(text),
      interrupted: () => {},
    }
    this.#subscribe(listener, AbortSignal.any([subscription.signal, this.#closing])).then(
      () => {
        this.#isOpen = this.#subscription === subscription
      },
      // Polling is enough.
      () => this.#closeAfter(RETRY_AFTER),
    )
  }

  #note(text: string): void {
    const [id = '', version = ''] = text.split(' ')
    if (this.#latest.size >= REMEMBERED) this.#latest.clear()
    this.#latest.set(id, version)
    for (const hinted of this.#followers) hinted(id)
  }

  #closeAfter(ms: number): void {
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => this.#close(), ms).unref()
  }

  #close(): void {
    if (this.#followers.size > 0) return
    this.#subscription?.abort()
    this.#subscription = undefined
    this.#latest.clear()
    this.#isOpen = false
  }
}
