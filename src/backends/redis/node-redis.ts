import type { NodeRedisClient } from '../../clients/redis/clients.js'
import { nodeRedisPrefix } from '../../clients/redis/prefixes.js'
import type { Driver, Sending, Subscriber, SubscriberEvents } from './driver.js'
import { clientClosed } from './faults.js'
import { Leaving } from './leaving.js'
import { Pulse, reconnectAfter, SILENCE } from './pulse.js'
import { Readiness } from './readiness.js'
import { Unanswered } from './unanswered.js'

/** Replies as they come: no mapping of types that the caller has chosen, no time limit of the client's own. */
const OPTIONS = { typeMapping: {}, timeout: 0 }

/** The type of strings in the protocol. */
const BLOB_STRING = 36

/** The same, with strings as bytes. */
export const AS_BYTES = { [BLOB_STRING]: Buffer }

const BYTES_OPTIONS = { ...OPTIONS, typeMapping: AS_BYTES }

/** One connection of node-redis. In-flight commands are rejected when it is lost, and not sent again. */
export class NodeRedisDriver implements Driver {
  readonly label = 'the node-redis client'
  readonly keyPrefix: string
  readonly channelPrefix: string
  readonly losses = 0
  servedBefore = false
  readonly #client: NodeRedisClient
  readonly #readiness: Readiness
  readonly #unanswered = new Unanswered()
  readonly #leaving = new Leaving(() => reconnect(this.#client))

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
    const quiet = this.#unanswered.wait()
    return quiet ? quiet.then(() => this.#readiness.wait()) : this.#readiness.wait()
  }

  /** Called when the client is ready, which writes at the end of this turn: a signal would cost more than it can do. */
  send(_key: string, command: string[], sending?: Sending): Promise<unknown> {
    return this.#unanswered.track(this.#client.sendCommand(command, sending?.bytes ? BYTES_OPTIONS : OPTIONS))
  }

  sendAll(key: string, commands: readonly string[][], sending?: Sending): Promise<unknown[]> {
    return Promise.all(commands.map(command => this.send(key, command, sending)))
  }

  subscriber(events: SubscriberEvents): Subscriber {
    return new NodeRedisSubscriber(async () => duplicate(this.#client), events)
  }

  leave(): boolean {
    return this.#leaving.leave()
  }

  detach(): void {
    this.#readiness.stop()
  }
}

/**
 * Has the server close the connection, whereupon the client makes another one: where a proxy or a name leads to the new primary by
 * then, it comes there. A client that would not reconnect is left alone.
 */
export function reconnect(client: NodeRedisClient): boolean {
  const { options } = client as SubscribingClient
  if (options?.socket?.reconnectStrategy === false) return false
  client.sendCommand(['QUIT']).catch(() => {})
  return true
}

/** A client for messages, with nothing of the application's but how to connect. It leaves a silent server by itself. */
export function duplicate(client: NodeRedisClient, reconnectStrategy: unknown = reconnectAfter): SubscribingClient {
  const { options } = client as SubscribingClient
  const socket = { ...options?.socket, socketTimeout: SILENCE, reconnectStrategy }
  return client.duplicate({ ...PLAIN, socket }) as SubscribingClient
}

/** In place of what the application may have set. */
const PLAIN = {
  pingInterval: undefined,
  commandOptions: {},
  commandsQueueMaxLength: undefined,
  disableOfflineQueue: false,
  clientSideCache: undefined,
  readonly: false,
}

/** What is needed of a client for messages. */
export interface SubscribingClient extends NodeRedisClient {
  readonly options?: {
    readonly socket?: { readonly reconnectStrategy?: unknown; readonly host?: string; readonly port?: number }
  }
  unref(): void
  connect(): Promise<unknown>
  destroy(): unknown
  sSubscribe(channel: string, listener: (message: string, channel: string) => void): Promise<unknown>
  sUnsubscribe(channel: string, listener?: (message: string, channel: string) => void): Promise<unknown>
}

/** A connection for messages. The client subscribes again by itself before it says that it is ready. */
export class NodeRedisSubscriber implements Subscriber {
  readonly #create: () => Promise<unknown>
  readonly #events: SubscriberEvents
  #connecting: Promise<SubscribingClient> | undefined
  #client: SubscribingClient | undefined
  #pulse: Pulse | undefined
  #lost: unknown
  #closed = false

  /** @param create - gives a client that is not connected yet. */
  constructor(create: () => Promise<unknown>, events: SubscriberEvents) {
    this.#create = create
    this.#events = events
  }

  async subscribe(channel: string): Promise<void> {
    this.#connecting ??= this.#connect()
    const client = await this.#connecting
    await client.sSubscribe(channel, this.#onMessage)
  }

  async unsubscribe(channel: string): Promise<void> {
    await this.#client?.sUnsubscribe(channel, this.#onMessage)
  }

  close(): void {
    this.#closed = true
    this.#pulse?.stop()
    if (this.#client) endQuietly(this.#client)
  }

  async #connect(): Promise<SubscribingClient> {
    const client = (await this.#create()) as SubscribingClient
    if (this.#closed) throw new Error('The connection for messages is not wanted any more.')
    this.#client = client
    client.unref()
    client.on('error', (error: unknown) => this.#onError(error))
    await client.connect()
    // What is asked for makes a silent connection run into its time limit.
    this.#pulse = new Pulse(
      () => (client.isReady ? client.sendCommand(['PING']) : undefined),
      () => {},
    )
    client.on('ready', () => this.#onReady())
    // On a cluster: the server has given the hash slot away.
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
    this.#events.interrupted(cause ?? new Error('The connection for messages was opened anew.'))
  }
}

/** Ends a client that is of no use any more, whatever its state. */
function endQuietly(client: { destroy(): unknown }): void {
  try {
    client.destroy()
  } catch {
    // It was ended before.
  }
}
