import type { Subscriber, SubscriberEvents } from './driver.js'
import { pause } from './pause.js'

/** The server in charge of a channel now, and how to open a connection for messages to it. */
export interface Shard {
  readonly address: string
  open(events: SubscriberEvents): Promise<Subscriber>
}

/** How long to wait before a channel is looked for again, in ms: at first, and at most. */
const FIRST_WAIT = 50
const LONGEST_WAIT = 2_000

/** How often it is looked for before who subscribes is told that it cannot be had. */
const ATTEMPTS = 12

/**
 * Messages of a cluster: sharded channels are served by the primary of their hash slot. One connection for each server in
 * charge of a channel; where one is lost, or a slot has moved, its channels are looked for anew until they are found.
 */
export class ShardSubscriber implements Subscriber {
  readonly #locate: (channel: string) => Promise<Shard>
  readonly #events: SubscriberEvents
  readonly #connections = new Map<string, Promise<Subscriber>>()
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
    if (![...this.#channels.values()].includes(address)) return this.#drop(address)
    await (await this.#connections.get(address))?.unsubscribe(channel)
  }

  async close(): Promise<void> {
    this.#closed.abort()
    this.#channels.clear()
    await Promise.all([...this.#connections.keys()].map(address => this.#drop(address)))
  }

  async #connect(channel: string): Promise<void> {
    const shard = await this.#locate(channel)
    const connection = this.#connections.get(shard.address) ?? this.#open(shard)
    await (await connection).subscribe(channel)
    // Meanwhile it may have been unsubscribed from, or the connection lost.
    if (this.#connections.get(shard.address) !== connection) throw new Error('The connection for messages was lost.')
    if (this.#channels.has(channel)) this.#channels.set(channel, shard.address)
    else await this.#leave(shard.address)
  }

  #open(shard: Shard): Promise<Subscriber> {
    const connection = shard.open({
      message: this.#events.message,
      interrupted: cause => void this.#lost(shard.address, connection, cause),
    })
    this.#connections.set(shard.address, connection)
    connection.catch(() => {
      if (this.#connections.get(shard.address) === connection) this.#connections.delete(shard.address)
    })
    return connection
  }

  async #leave(address: string): Promise<void> {
    if (![...this.#channels.values()].includes(address)) await this.#drop(address)
  }

  async #drop(address: string): Promise<void> {
    const connection = this.#connections.get(address)
    this.#connections.delete(address)
    await (await connection?.catch(() => undefined))?.close()
  }

  /** Gives up the connection, and looks for its channels wherever they are now. */
  async #lost(address: string, connection: Promise<Subscriber>, cause: unknown): Promise<void> {
    if (this.#connections.get(address) !== connection) return
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
