import type { Unsubscribe } from '../../contract/backend.js'
import { setTimeout } from '../../time/clock.js'
import type { Driver, Subscriber, SubscriberEvents } from './driver.js'

/** Is notified of messages on a channel. Neither method throws. */
export interface ChannelListener {
  message(text: string): void
  /** Messages may have been lost. */
  interrupted(cause: unknown): void
}

/** Listeners are told of a lost connection within so many ms, so that a fleet does not ask all at once. */
const JITTER = 100

/** The one connection for messages that all dictionaries over one client share: open while anyone listens. */
export class Subscriptions {
  readonly #driver: Driver
  readonly #listeners = new Map<string, Set<ChannelListener>>()
  #subscriber: Subscriber | undefined
  /** Ends when the channels are as the listeners of the time of the call wanted them. */
  #settled: Promise<unknown> = Promise.resolve()

  constructor(driver: Driver) {
    this.#driver = driver
  }

  /**
   * Resolves when messages on the channel reach the listener.
   *
   * @param signal - ends it, also while it is under way.
   */
  async add(channel: string, listener: ChannelListener, signal: AbortSignal): Promise<Unsubscribe> {
    const listeners = this.#listeners.get(channel) ?? new Set()
    this.#listeners.set(channel, listeners)
    // One of its own, so that each subscription counts, even of one listener twice.
    const own: ChannelListener = {
      message: text => listener.message(text),
      interrupted: cause => listener.interrupted(cause),
    }
    listeners.add(own)
    const remove = () => {
      signal.removeEventListener('abort', remove)
      return this.#remove(channel, own)
    }
    signal.addEventListener('abort', remove)
    try {
      await this.#inTurn(() => this.#join(channel))
    } catch (error) {
      await remove()
      throw error
    }
    return remove
  }

  async #join(channel: string): Promise<void> {
    if (!this.#listeners.has(channel)) return
    this.#subscriber ??= this.#driver.subscriber(this.#events)
    const subscriber = this.#subscriber
    try {
      await subscriber.subscribe(channel)
    } catch (error) {
      // It may never have been connected: who comes next has another one, who is served by it keeps it.
      if (this.#listeners.size <= 1 && this.#subscriber === subscriber) await this.#close()
      throw error
    }
  }

  /** Where no one listens any more the connection ends at once, also where it was not made yet. */
  async #remove(channel: string, listener: ChannelListener): Promise<void> {
    const listeners = this.#listeners.get(channel)
    listeners?.delete(listener)
    if (listeners?.size === 0) this.#listeners.delete(channel)
    if (this.#listeners.size === 0) await this.#close()
    else await this.#inTurn(() => this.#leave(channel))
  }

  async #leave(channel: string): Promise<void> {
    if (this.#listeners.has(channel)) return
    // A connection that was lost forgets the channel by itself.
    await this.#subscriber?.unsubscribe(channel).catch(() => {})
  }

  async #close(): Promise<void> {
    const subscriber = this.#subscriber
    this.#subscriber = undefined
    await subscriber?.close()
  }

  #inTurn(work: () => Promise<void>): Promise<void> {
    const mine = this.#settled.then(work)
    this.#settled = mine.catch(() => {})
    return mine
  }

  readonly #events: SubscriberEvents = {
    message: (channel, text) => {
      const listeners = this.#listeners.get(channel)
      if (!listeners) return
      for (const listener of listeners) listener.message(text)
    },
    interrupted: cause => {
      for (const listeners of this.#listeners.values()) {
        for (const listener of listeners) {
          setTimeout(() => listeners.has(listener) && listener.interrupted(cause), Math.random() * JITTER).unref()
        }
      }
    },
  }
}
