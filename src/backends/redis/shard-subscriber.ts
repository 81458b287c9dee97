import type { Subscriber, SubscriberEvents } from './driver.js'
import { pauseBefore, untilSubscribed } from './until-subscribed.js'

/** The server that currently serves a channel, and how to open a connection for messages to it. */
export interface Shard {
  readonly address: string
  open(events: SubscriberEvents): Subscriber
}

/** A connection to one server. */
class ServerConnection {
  readonly subscriber: Subscriber
  readonly #lost: Promise<never>
  #lose: (cause: unknown) => void = () => {}

  constructor(
    shard: Shard,
    message: SubscriberEvents['message'],
    interrupted: (connection: ServerConnection, cause: unknown) => void,
  ) {
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

  /** Also ends when the connection is lost: some clients never answer a subscription to a channel that has just moved. */
  async subscribe(channel: string): Promise<void> {
    await Promise.race([this.subscriber.subscribe(channel), this.#lost])
  }

  async close(): Promise<void> {
    this.#lose(new Error('The connection for messages was closed.'))
    await this.subscriber.close()
  }
}

/**
 * Receives the messages of a cluster. The primary of a hash slot serves its sharded channels. There is one connection
 * for each server that serves a channel. If a connection is lost, or a slot moves, this class searches for the
 * channels until it finds them.
 */
export class ShardSubscriber implements Subscriber {
  readonly #locate: (channel: string) => Promise<Shard>
  readonly #events: SubscriberEvents
  readonly #connections = new Map<string, ServerConnection>()
  /** By channel, the address of its server; `undefined` during a search. */
  readonly #channels = new Map<string, string | undefined>()
  readonly #closed = new AbortController()

  constructor(locate: (channel: string) => Promise<Shard>, events: SubscriberEvents) {
    this.#locate = locate
    this.#events = events
  }

  async subscribe(channel: string): Promise<void> {
    this.#channels.set(channel, undefined)
    try {
      await untilSubscribed(() => this.#connect(channel), this.#closed.signal)
    } catch (error) {
      this.#channels.delete(channel)
      throw error
    }
  }

  async unsubscribe(channel: string): Promise<void> {
    const address = this.#channels.get(channel)
    this.#channels.delete(channel)
    if (address === undefined) return
    const connection = this.#connections.get(address)
    if (this.#serves(address)) await connection?.subscriber.unsubscribe(channel)
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
    const connection = this.#connections.get(address) ?? this.#open(shard)
    try {
      await connection.subscribe(channel)
    } catch (error) {
      if (this.#connections.get(address) === connection && !this.#serves(address)) await this.#drop(address)
      throw error
    }
    if (this.#channels.has(channel)) this.#channels.set(channel, address)
    else if (!this.#serves(address)) await this.#drop(address)
  }

  #open(shard: Shard): ServerConnection {
    const connection = new ServerConnection(
      shard,
      this.#events.message,
      (lost, cause) => void this.#lost(shard.address, lost, cause),
    )
    this.#connections.set(shard.address, connection)
    return connection
  }

  #serves(address: string): boolean {
    for (const served of this.#channels.values()) if (served === address) return true
    return false
  }

  async #drop(address: string): Promise<void> {
    const connection = this.#connections.get(address)
    this.#connections.delete(address)
    await connection?.close()
  }

  /** Drops the connection, and searches for its channels. */
  async #lost(address: string, connection: ServerConnection, cause: unknown): Promise<void> {
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
      await pauseBefore(attempt, this.#closed.signal)
      if (!this.#channels.has(channel)) return
      const found = await this.#connect(channel).then(
        () => true,
        () => false,
      )
      if (found) return
    }
  }
}
