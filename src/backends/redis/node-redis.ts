import type { NodeRedisClient } from '../../clients/redis/clients.js'
import { nodeRedisPrefix } from '../../clients/redis/prefixes.js'
import type { Driver, Sending, Subscriber, SubscriberEvents } from './driver.js'
import { clientClosed } from './faults.js'
import { isKeyspaceChannel } from './keyspace.js'
import { Leaving } from './leaving.js'
import { Pulse, reconnectAfter, SILENCE } from './pulse.js'
import { Readiness } from './readiness.js'
import { Unanswered } from './unanswered.js'

/** Options for unaltered replies: no type mapping of the application, no time limit of the client. */
const OPTIONS = { typeMapping: {}, timeout: 0 }

/** The type of strings in the protocol. */
const BLOB_STRING = 36

/** The type mapping that returns strings as bytes. */
export const AS_BYTES = { [BLOB_STRING]: Buffer }

const BYTES_OPTIONS = { ...OPTIONS, typeMapping: AS_BYTES }

/** One node-redis connection. When it is lost, it rejects the in-flight commands and does not resend them. */
export class NodeRedisDriver implements Driver {
  readonly label = 'the node-redis client'
  readonly isCluster = false
  readonly keyPrefix: string
  readonly channelPrefix: string
  readonly losses = 0
  servedBefore = false
  readonly #client: NodeRedisClient
  readonly #readiness: Readiness
  readonly #unanswered = new Unanswered()
  readonly #leaving = new Leaving(() => this.#reconnect())
  /** Resolves when the connection that is being left is closed. */
  #closing: Promise<void> | undefined

  constructor(client: NodeRedisClient) {
    this.#client = client
    this.keyPrefix = nodeRedisPrefix(client)
    this.channelPrefix = this.keyPrefix
    const condition = () => (client.isReady ? 'ready' : client.isOpen ? 'waiting' : 'closed')
    this.#readiness = new Readiness(client, ['ready', 'end', 'terminated', 'error'], condition, () =>
      clientClosed(this.label, 'await client.connect()'),
    )
  }

  ready(): Promise<void> | undefined {
    const earlier = this.#closing ?? this.#unanswered.wait()
    return earlier ? earlier.then(() => this.#readiness.wait()) : this.#readiness.wait()
  }

  /**
   * Called only while the client is ready, which then writes the command at the end of this turn. An abort signal
   * would come too late.
   */
  send(_key: string, command: string[], sending?: Sending): Promise<unknown> {
    return this.#unanswered.track(this.#client.sendCommand(command, sending?.bytes ? BYTES_OPTIONS : OPTIONS))
  }

  sendAll(key: string, commands: readonly string[][], sending?: Sending): Promise<unknown[]> {
    return Promise.all(commands.map(command => this.send(key, command, sending)))
  }

  database(): number {
    return databaseOf(this.#client)
  }

  subscriber(events: SubscriberEvents): Subscriber {
    return new NodeRedisSubscriber(async () => duplicate(this.#client), events)
  }

  leave(): boolean {
    return this.#leaving.leave()
  }

  #reconnect(): boolean {
    if (!reconnects(this.#client)) return false
    this.#closing = reconnect(this.#client).finally(() => {
      this.#closing = undefined
    })
    return true
  }

  detach(): void {
    this.#readiness.stop()
  }
}

/** Whether the client opens another connection when it loses one. */
function reconnects(client: NodeRedisClient): boolean {
  return (client as SubscribingClient).options?.socket?.reconnectStrategy !== false
}

/**
 * Makes the server close the connection, so that the client opens another one. If a proxy or a DNS name already
 * points to the new primary, the client reaches it. A client that would not reconnect is left alone.
 *
 * Resolves when the connection is closed. The server ignores what is sent before that, so a write would be lost.
 */
export async function reconnect(client: NodeRedisClient): Promise<void> {
  if (!reconnects(client)) return
  let close = () => {}
  const closed = new Promise<void>(resolve => {
    close = resolve
  })
  for (const event of CLOSING) client.on(event, close)
  try {
    await client.sendCommand(['QUIT'])
    await closed
  } catch {
    // It is closed already, or the user may not send QUIT.
  } finally {
    for (const event of CLOSING) client.off(event, close)
  }
}

/** The events of a connection that ends: the client connects again, or it was closed by its owner. */
const CLOSING = ['error', 'end']

/**
 * Returns a client for messages. From the application's client it takes only how to connect. It drops a silent server
 * by itself.
 */
export function duplicate(client: NodeRedisClient, reconnectStrategy: unknown = reconnectAfter): SubscribingClient {
  const { options } = client as SubscribingClient
  const socket = { ...options?.socket, socketTimeout: SILENCE, reconnectStrategy }
  return client.duplicate({ ...PLAIN, socket }) as SubscribingClient
}

export function databaseOf(client: NodeRedisClient): number {
  return (client as SubscribingClient).options?.database ?? 0
}

/** Overrides the application's settings. */
const PLAIN = {
  pingInterval: undefined,
  commandOptions: {},
  commandsQueueMaxLength: undefined,
  disableOfflineQueue: false,
  clientSideCache: undefined,
  readonly: false,
}

/** What a client for messages must offer. */
export interface SubscribingClient extends NodeRedisClient {
  readonly options?: {
    readonly database?: number
    readonly socket?: { readonly reconnectStrategy?: unknown; readonly host?: string; readonly port?: number }
  }
  unref(): void
  connect(): Promise<unknown>
  destroy(): unknown
  sSubscribe(channel: string, listener: (message: string, channel: string) => void): Promise<unknown>
  sUnsubscribe(channel: string, listener?: (message: string, channel: string) => void): Promise<unknown>
  subscribe(channel: string, listener: (message: string, channel: string) => void): Promise<unknown>
  unsubscribe(channel: string, listener?: (message: string, channel: string) => void): Promise<unknown>
}

/** A connection for messages. After a reconnect the client subscribes again by itself before it emits `ready`. */
export class NodeRedisSubscriber implements Subscriber {
  readonly #create: () => Promise<unknown>
  readonly #events: SubscriberEvents
  #connecting: Promise<SubscribingClient> | undefined
  #client: SubscribingClient | undefined
  #pulse: Pulse | undefined
  #lost: unknown
  #closed = false

  /** @param create - returns a client that is not connected yet. */
  constructor(create: () => Promise<unknown>, events: SubscriberEvents) {
    this.#create = create
    this.#events = events
  }

  async subscribe(channel: string): Promise<void> {
    this.#connecting ??= this.#connect()
    const client = await this.#connecting
    await (isKeyspaceChannel(channel)
      ? client.subscribe(channel, this.#onMessage)
      : client.sSubscribe(channel, this.#onMessage))
  }

  async unsubscribe(channel: string): Promise<void> {
    await (isKeyspaceChannel(channel)
      ? this.#client?.unsubscribe(channel, this.#onMessage)
      : this.#client?.sUnsubscribe(channel, this.#onMessage))
  }

  close(): void {
    this.#closed = true
    this.#pulse?.stop()
    if (this.#client) endQuietly(this.#client)
  }

  async #connect(): Promise<SubscribingClient> {
    const client = (await this.#create()) as SubscribingClient
    if (this.#closed) throw new Error('The connection for messages was closed.')
    this.#client = client
    client.unref()
    client.on('error', (error: unknown) => this.#onError(error))
    await client.connect()
    // A ping makes a silent connection reach its time limit.
    this.#pulse = new Pulse(
      () => (client.isReady ? client.sendCommand(['PING']) : undefined),
      () => {},
    )
    client.on('ready', () => this.#onReady())
    // On a cluster: the hash slot has moved to another server.
    client.on('sharded-channel-moved', () => this.#onError(new Error('The hash slot was moved to another server.')))
    return client
  }

  readonly #onMessage = (message: string, channel: string) => this.#events.message(channel, message)

  #onError(error: unknown): void {
    if (this.#lost === undefined) this.#events.interrupted(error)
    this.#lost = error
  }

  #onReady(): void {
    const cause = this.#lost
    this.#lost = undefined
    this.#events.interrupted(cause ?? new Error('The connection for messages was reopened.'))
  }
}

/** Closes a client, whatever its state. */
function endQuietly(client: { destroy(): unknown }): void {
  try {
    client.destroy()
  } catch {
    // It was closed already.
  }
}
