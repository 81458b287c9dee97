import type { IoredisClient } from '../../clients/redis/clients.js'
import { ioredisPrefix } from '../../clients/redis/prefixes.js'
import type { Driver, Sending, Subscriber, SubscriberEvents } from './driver.js'
import { clientClosed } from './faults.js'
import { Leaving } from './leaving.js'
import { type IoredisOwn, keepIoredis } from './own-client.js'
import { type Pulse, reconnectAfter, SILENCE } from './pulse.js'
import { Readiness } from './readiness.js'

/** What may change the condition of an ioredis client. */
export const IOREDIS_EVENTS = ['ready', 'end', 'close', 'error']

/**
 * One connection of ioredis. When it is lost, the client sends again by itself what was in flight (`autoResendUnfulfilledCommands`):
 * byte by byte the same, so that the batch's id in the log tells a write that had been executed.
 */
export class IoredisDriver implements Driver {
  readonly label = 'the ioredis client'
  readonly keyPrefix = ''
  readonly channelPrefix: string
  losses = 0
  servedBefore = false
  readonly #client: IoredisClient
  readonly #readiness: Readiness
  readonly #leaving = new Leaving(() => reconnect(this.#client))

  constructor(client: IoredisClient) {
    this.#client = client
    this.channelPrefix = ioredisPrefix(client)
    this.#readiness = new Readiness(
      client,
      IOREDIS_EVENTS,
      () => conditionOf(client),
      () => clientClosed(this.label, 'await client.connect()'),
    )
    client.on('close', this.#onClose)
  }

  ready(): Promise<void> | undefined {
    // A client with lazyConnect connects when it is first used: it is now.
    if (this.#client.status === 'wait') (this.#client as unknown as Connecting).connect().catch(() => {})
    return this.#readiness.wait()
  }

  send(_key: string, [command = '', ...args]: readonly string[], sending?: Sending): Promise<unknown> {
    return sending?.bytes ? this.#client.callBuffer(command, args) : this.#client.call(command, args)
  }

  sendAll(key: string, commands: readonly string[][], sending?: Sending): Promise<unknown[]> {
    return Promise.all(commands.map(command => this.send(key, command, sending)))
  }

  subscriber(events: SubscriberEvents): Subscriber {
    return new IoredisSubscriber(this.#client.duplicate(SUBSCRIBER_OPTIONS) as SubscribingClient, events)
  }

  leave(): boolean {
    return this.#leaving.leave()
  }

  detach(): void {
    this.#client.off('close', this.#onClose)
    this.#readiness.stop()
  }

  readonly #onClose = () => {
    this.losses += 1
  }
}

/** As `reconnectOnError` of ioredis does it. A client that would not come back is left alone. */
function reconnect(client: IoredisClient): boolean {
  const { options, status } = client as SubscribingClient
  if (typeof options?.retryStrategy !== 'function') return false
  if (status === 'ready') (client as SubscribingClient).disconnect(true)
  return true
}

interface Connecting {
  connect(): Promise<void>
}

function conditionOf({ status }: IoredisClient): 'ready' | 'waiting' | 'closed' {
  return status === 'ready' ? 'ready' : status === 'end' ? 'closed' : 'waiting'
}

/** A connection for messages subscribes and connects as its subscriber says, and keeps nothing to send later. */
export const SUBSCRIBER_OPTIONS = {
  keyPrefix: '',
  lazyConnect: true,
  autoResubscribe: false,
  autoResendUnfulfilledCommands: false,
  enableOfflineQueue: false,
  maxRetriesPerRequest: null,
  socketTimeout: SILENCE,
  retryStrategy: reconnectAfter,
  reconnectOnError: null,
  stringNumbers: false,
  enableAutoPipelining: false,
} as const

/** What is needed of a client for messages. */
export interface SubscribingClient extends IoredisClient, Connecting {
  readonly options?: { readonly retryStrategy?: unknown }
  disconnect(reconnect?: boolean): void
  ssubscribe(channel: string): Promise<unknown>
  sunsubscribe(channel: string): Promise<unknown>
}

/** A connection for messages. It subscribes again when it is there again, and only then tells that it was lost. */
export class IoredisSubscriber implements Subscriber {
  readonly #client: SubscribingClient
  readonly #events: SubscriberEvents
  readonly #channels = new Set<string>()
  readonly #pulse: Pulse
  #connecting: Promise<void> | undefined
  #lost: unknown

  /** @param client - not connected yet. */
  constructor(client: SubscribingClient, events: SubscriberEvents) {
    this.#client = client
    this.#events = events
    client.on('error', (error: unknown) => this.#onError(error))
    this.#pulse = keepIoredis(client as unknown as IoredisOwn)
  }

  async subscribe(channel: string): Promise<void> {
    this.#connecting ??= this.#connect()
    await this.#connecting
    this.#channels.add(channel)
    await this.#client.ssubscribe(channel)
  }

  async unsubscribe(channel: string): Promise<void> {
    this.#channels.delete(channel)
    if (this.#client.status === 'ready') await this.#client.sunsubscribe(channel)
  }

  close(): void {
    this.#pulse.stop()
    this.#channels.clear()
    this.#client.disconnect()
  }

  async #connect(): Promise<void> {
    const client = this.#client
    try {
      await client.connect()
    } catch (error) {
      client.disconnect()
      throw this.#lost ?? error
    }
    client.on('smessage', (channel: string, text: string) => this.#events.message(channel, text))
    client.on('ready', () => void this.#subscribeAgain())
    // On a cluster: the server has given the hash slot away. (ioredis 5 tells it as an error.)
    client.on('moved', () => this.#onError(new Error('The hash slot was moved to another server.')))
    client.on('close', () => this.#onError(new Error('The connection for messages was closed.')))
  }

  #onError(error: unknown): void {
    const first = this.#lost === undefined
    this.#lost = error
    if (first && this.#channels.size > 0) this.#events.interrupted(error)
  }

  async #subscribeAgain(): Promise<void> {
    try {
      for (const channel of this.#channels) await this.#client.ssubscribe(channel)
      const cause = this.#lost
      this.#lost = undefined
      this.#events.interrupted(cause ?? new Error('The connection for messages was opened anew.'))
    } catch (error) {
      // Lost again: there will be another time.
      this.#lost ??= error
    }
  }
}
