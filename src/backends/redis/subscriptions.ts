import type { Unsubscribe } from '../../contract/backend.js'
import { InTurn } from '../../queues/in-turn.js'
import { setTimeout } from '../../time/clock.js'
import { onAbort } from '../../time/on-abort.js'
import type { Driver, Subscriber, SubscriberEvents } from './driver.js'

/** Receives the messages on a channel. Neither method throws. */
export interface ChannelListener {
  message(text: string): void
  /** Messages may have been lost. */
  interrupted(cause: unknown): void
}

/**
 * Listeners are notified of a lost connection within this many ms, at random, so that the processes of a fleet do not
 * all check at once.
 */
const JITTER = 100

/** The connection for messages that all dictionaries on one client share. It is open while there are listeners. */
export class Subscriptions {
  readonly #driver: Driver
  readonly #listeners = new Map<string, Set<ChannelListener>>()
  #subscriber: Subscriber | undefined
  readonly #turns = new InTurn()

  constructor(driver: Driver) {
    this.#driver = driver
  }

  /**
   * Resolves once messages on the channel reach the listener.
   *
   * @param signal - ends the subscription, even while it is being set up.
   */
  async add(channel: string, listener: ChannelListener, signal: AbortSignal): Promise<Unsubscribe> {
    const listeners = this.#listeners.get(channel) ?? new Set()
    this.#listeners.set(channel, listeners)
    // A wrapper for each call, so that adding the same listener twice creates two subscriptions.
    const own: ChannelListener = {
      message: text => listener.message(text),
      interrupted: cause => listener.interrupted(cause),
    }
    listeners.add(own)
    const remove = () => {
      forgetSignal()
      return this.#remove(channel, own)
    }
    const forgetSignal = onAbort(signal, remove)
    try {
      await this.#turns.run(() => this.#join(channel))
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
      // It may never have connected. The next subscriber gets a new connection, unless others still use this one.
      if (this.#listeners.size <= 1 && this.#subscriber === subscriber) await this.#close()
      throw error
    }
  }

  /** Closes the connection when no listener remains, even if it is not open yet. */
  async #remove(channel: string, listener: ChannelListener): Promise<void> {
    const listeners = this.#listeners.get(channel)
    listeners?.delete(listener)
    if (listeners?.size === 0) this.#listeners.delete(channel)
    if (this.#listeners.size === 0) await this.#close()
    else await this.#turns.run(() => this.#leave(channel))
  }

  async #leave(channel: string): Promise<void> {
    if (this.#listeners.has(channel)) return
    // A lost connection drops the channel by itself.
    await this.#subscriber?.unsubscribe(channel).catch(() => {})
  }

  async #close(): Promise<void> {
    const subscriber = this.#subscriber
    this.#subscriber = undefined
    await subscriber?.close()
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
