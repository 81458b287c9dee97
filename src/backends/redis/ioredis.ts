import type { IoredisClient } from '../../clients/redis/clients.js'
import { ioredisPrefix } from '../../clients/redis/prefixes.js'
import { nextTick, setTimeout } from '../../time/clock.js'
import type { Driver, Sending, Subscriber, SubscriberEvents } from './driver.js'
import { clientClosed } from './faults.js'
import { isKeyspaceChannel } from './keyspace.js'
import { Leaving } from './leaving.js'
import { type IoredisOwn, keepIoredis } from './own-client.js'
import { type Pulse, reconnectAfter, SILENCE } from './pulse.js'
import { Readiness } from './readiness.js'

/** The events after which the state of an ioredis client may have changed. */
export const IOREDIS_EVENTS = ['ready', 'end', 'close', 'error']

/**
 * One ioredis connection. When it is lost, the client resends the in-flight commands by itself
 * (`autoResendUnfulfilledCommands`), byte for byte. The batch's id in the log then identifies a write that was
 * executed already.
 */
export class IoredisDriver implements Driver {
  readonly label = 'the ioredis client'
  readonly isCluster = false
  readonly keyPrefix = ''
  readonly channelPrefix: string
  losses = 0
  servedBefore = false
  readonly #client: IoredisClient
  readonly #readiness: Readiness
  readonly #leaving = new Leaving(() => reconnect(this.#client))
  #isCorked = false

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
    // A client with lazyConnect connects on first use, which is now.
    if (this.#client.status === 'wait') (this.#client as unknown as Connecting).connect().catch(() => {})
    return this.#readiness.wait()
  }

  send(_key: string, [command = '', ...args]: readonly string[], sending?: Sending): Promise<unknown> {
    return sending?.bytes ? this.#client.callBuffer(command, args) : this.#client.call(command, args)
  }

  sendAll(key: string, commands: readonly string[][], sending?: Sending): Promise<unknown[]> {
    this.#cork()
    return Promise.all(commands.map(command => this.send(key, command, sending)))
  }

  /** ioredis writes each command separately. Makes those of this turn one packet. */
  #cork(): void {
    const { stream } = this.#client
    if (this.#isCorked || !stream?.cork) return
    this.#isCorked = true
    stream.cork()
    nextTick(() => {
      this.#isCorked = false
      stream.uncork?.()
    })
  }

  database(): number {
    return (this.#client as SubscribingClient).options?.db ?? 0
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

/** Reconnects as `reconnectOnError` of ioredis does. A client that would not reconnect is left alone. */
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

/** Which wait before another attempt is used after a client gave up: at most 400 ms. */
const SOON = 3

/** On a connection for messages, its subscriber decides when to connect and subscribe, and no command is queued. */
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

/** What a client for messages must offer. */
export interface SubscribingClient extends IoredisClient, Connecting {
  readonly options?: { readonly retryStrategy?: unknown; readonly db?: number }
  once(event: 'close', listener: () => void): unknown
  disconnect(reconnect?: boolean): void
  ssubscribe(channel: string): Promise<unknown>
  sunsubscribe(channel: string): Promise<unknown>
  subscribe(channel: string): Promise<unknown>
  unsubscribe(channel: string): Promise<unknown>
}

/** A connection for messages. After it reconnects, it first subscribes again and then reports the interruption. */
export class IoredisSubscriber implements Subscriber {
  readonly #client: SubscribingClient
  readonly #events: SubscriberEvents
  readonly #channels = new Set<string>()
  readonly #pulse: Pulse
  #connecting: Promise<void> | undefined
  #lost: unknown
  #isClosed = false

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
    await this.#join(channel)
  }

  async unsubscribe(channel: string): Promise<void> {
    this.#channels.delete(channel)
    const client = this.#client
    if (client.status !== 'ready') return
    await this.#answered(isKeyspaceChannel(channel) ? client.unsubscribe(channel) : client.sunsubscribe(channel))
  }

  #join(channel: string): Promise<unknown> {
    const client = this.#client
    return this.#answered(isKeyspaceChannel(channel) ? client.subscribe(channel) : client.ssubscribe(channel))
  }

  /** ioredis never settles what was in flight on a lost connection if it does not send it again. */
  #answered(answer: Promise<unknown>): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const onClose = () => reject(new Error('The connection for messages was closed.'))
      this.#client.once('close', onClose)
      answer.then(resolve, reject).finally(() => this.#client.off('close', onClose))
    })
  }

  close(): void {
    this.#isClosed = true
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
    client.on('message', (channel: string, text: string) => this.#events.message(channel, text))
    client.on('smessage', (channel: string, text: string) => this.#events.message(channel, text))
    client.on('ready', () => void this.#subscribeAgain())
    // On a cluster: the hash slot has moved to another server. (ioredis 5 reports this as an error.)
    client.on('moved', () => this.#onError(new Error('The hash slot was moved to another server.')))
    client.on('close', () => this.#onError(new Error('The connection for messages was closed.')))
    client.on('end', () => this.#connectAgain())
  }

  #onError(error: unknown): void {
    const first = this.#lost === undefined
    this.#lost = error
    if (first && this.#channels.size > 0) this.#events.interrupted(error)
  }

  /**
   * ioredis gives up for good when its failover detector ends a connection that is just being opened. A failed attempt ends the
   * client again, and so leads here.
   */
  #connectAgain(): void {
    if (this.#isClosed) return
    const connect = () => !this.#isClosed && this.#client.connect().catch(() => {})
    setTimeout(connect, reconnectAfter(SOON)).unref()
  }

  async #subscribeAgain(): Promise<void> {
    try {
      for (const channel of this.#channels) await this.#join(channel)
      const cause = this.#lost
      this.#lost = undefined
      this.#events.interrupted(cause ?? new Error('The connection for messages was reopened.'))
    } catch (error) {
      this.#lost ??= error
      // The next connection tries again. If this one is still open, only the subscription was refused: it is replaced.
      if (this.#client.status === 'ready') this.#client.disconnect(true)
    }
  }
}
