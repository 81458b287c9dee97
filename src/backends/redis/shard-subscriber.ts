import { pause } from '../waiting.js'
import type { Subscriber, SubscriberEvents } from './driver.js'

/** The server in charge of a channel now, and how to open a connection for messages to it. */
export interface Shard {
  readonly address: string
  open(events: SubscriberEvents): Subscriber
}

/** How long to wait before a channel is looked for again, in ms: at first, and at most. */
const FIRST_WAIT = 50
const LONGEST_WAIT = 2_000

/** How often it is looked for before who subscribes is told that it cannot be had. */
const ATTEMPTS = 12

/** A connection to one server. */
class Held {
  readonly subscriber: Subscriber
  readonly #lost: Promise<never>
  #lose: (cause: unknown) => void = () => {}

  constructor(shard: Shard, message: SubscriberEvents['message'], interrupted: (held: Held, cause: unknown) => void) {
    this.#lost = new Promise((_, reject) => {
      this.#lose = reject
    })
    this.#lost.catch(() => {})
    this.subscriber = shard.open({
      message,
      interrupted: cause => {
        this.#lose(cause)
        interrupted(this, cause)
      },
    })
  }

  /** Some clients never answer who subscribes to a channel that has just moved. */
  async subscribe(channel: string): Promise<void> {
    await Promise.race([this.subscriber.subscribe(channel), this.#lost])
  }

  async close(): Promise<void> {
    this.#lose(new Error('The connection for messages was closed.'))
    await this.subscriber.close()
  }
}

/**
 * Messages of a cluster: sharded channels are served by the primary of their hash slot. One connection for each server in
 * charge of a channel; where one is lost, or a slot has moved, its channels are looked for anew until they are found.
 */
export class ShardSubscriber implements Subscriber {
  readonly #locate: (channel: string) => Promise<Shard>
  readonly #events: SubscriberEvents
  readonly #connections = new Map<string, Held>()
  /** By channel, the address of its server; nothing while that is looked for. */
  readonly #channels = new Map<string, string | undefined>()
  readonly #closed = new AbortController()

  constructor(locate: (channel: string) => Promise<Shard>, events: SubscriberEvents) {
    this.#locate = locate
    this.#events = events
  }

  async subscribe(channel: string): Promise<void> {
    this.#channels.set(channel, undefined)
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await this.#connect(channel)
      } catch (error) {
        if (attempt === ATTEMPTS || this.#closed.signal.aborted) {
          this.#channels.delete(channel)
          throw error
        }
      }
      await pause(waitBefore(attempt), this.#closed.signal)
    }
  }

  async unsubscribe(channel: string): Promise<void> {
    const address = this.#channels.get(channel)
    this.#channels.delete(channel)
    if (address === undefined) return
    const held = this.#connections.get(address)
    if (this.#serves(address)) await held?.subscriber.unsubscribe(channel)
    else await this.#drop(address)
  }

  async close(): Promise<void> {
    this.#closed.abort()
    this.#channels.clear()
    await Promise.all([...this.#connections.keys()].map(address => this.#drop(address)))
  }

  async #connect(channel: string): Promise<void> {
    const shard = await this.#locate(channel)
    const { address } = shard
    const held = this.#connections.get(address) ?? this.#open(shard)
    try {
      await held.subscribe(channel)
    } catch (error) {
      if (this.#connections.get(address) === held && !this.#serves(address)) await this.#drop(address)
      throw error
    }
    if (this.#channels.has(channel)) this.#channels.set(channel, address)
    else if (!this.#serves(address)) await this.#drop(address)
  }

  #open(shard: Shard): Held {
    const held = new Held(shard, this.#events.message, (lost, cause) => void this.#lost(shard.address, lost, cause))
    this.#connections.set(shard.address, held)
    return held
  }

  #serves(address: string): boolean {
    for (const served of this.#channels.values()) if (served === address) return true
    return false
  }

  async #drop(address: string): Promise<void> {
    const held = this.#connections.get(address)
    this.#connections.delete(address)
    await held?.close()
  }

  /** Gives up the connection, and looks for its channels wherever they are now. */
  async #lost(address: string, held: Held, cause: unknown): Promise<void> {
    if (this.#connections.get(address) !== held) return
    const channels = [...this.#channels].filter(([, served]) => served === address).map(([channel]) => channel)
    for (const channel of channels) this.#channels.set(channel, undefined)
    this.#events.interrupted(cause)
    await this.#drop(address)
    await Promise.all(channels.map(channel => this.#find(channel)))
    if (!this.#closed.signal.aborted) this.#events.interrupted(cause)
  }

  async #find(channel: string): Promise<void> {
    for (let attempt = 1; this.#channels.has(channel); attempt += 1) {
      await pause(waitBefore(attempt), this.#closed.signal)
      if (!this.#channels.has(channel)) return
      const found = await this.#connect(channel).then(
        () => true,
        () => false,
      )
      if (found) return
    }
  }
}

function waitBefore(attempt: number): number {
  return Math.min(FIRST_WAIT * 2 ** (attempt - 1), LONGEST_WAIT)
}
