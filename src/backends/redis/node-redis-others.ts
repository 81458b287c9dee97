import type { NodeRedisCluster, NodeRedisPool, NodeRedisSentinel } from '../../clients/redis/clients.js'
import { nodeRedisPrefix } from '../../clients/redis/prefixes.js'
import type { Driver, Sending, Subscriber, SubscriberEvents } from './driver.js'
import { clientClosed } from './faults.js'
import { AS_BYTES, NodeRedisSubscriber, type SubscribingClient } from './node-redis.js'
import { Readiness } from './readiness.js'
import { type Shard, ShardSubscriber } from './shard-subscriber.js'

/** As those of one connection; but what waits inside the client, out of sight, has the client's own time limit. */
const OPTIONS = { typeMapping: {} }
const BYTES_OPTIONS = { typeMapping: AS_BYTES }

function optionsOf({ signal, bytes }: Sending = {}): object {
  const options = bytes ? BYTES_OPTIONS : OPTIONS
  return signal ? { ...options, abortSignal: signal } : options
}

const CONNECT = 'await client.connect()'

interface Ending {
  destroy(): unknown
}

/** A pool of node-redis. What is in flight on a lost connection is rejected, and not sent again. */
export class NodeRedisPoolDriver implements Driver {
  readonly label = 'the node-redis pool'
  readonly keyPrefix: string
  readonly channelPrefix: string
  readonly losses = 0
  readonly #client: NodeRedisPool

  constructor(client: NodeRedisPool) {
    this.#client = client
    this.keyPrefix = nodeRedisPrefix(client)
    this.channelPrefix = this.keyPrefix
  }

  ready(): Promise<void> | undefined {
    return this.#client.isOpen ? undefined : Promise.reject(clientClosed(this.label, CONNECT))
  }

  send(_key: string, command: string[], sending?: Sending): Promise<unknown> {
    return this.#client.sendCommand(command, optionsOf(sending))
  }

  sendAll(key: string, commands: readonly string[][], sending?: Sending): Promise<unknown[]> {
    return Promise.all(commands.map(command => this.send(key, command, sending)))
  }

  subscriber(events: SubscriberEvents): Subscriber {
    return new NodeRedisSubscriber(() => this.#client.execute(pooled => pooled.duplicate()), events)
  }

  detach(): void {}

  async end(): Promise<void> {
    ;(this.#client as unknown as Ending).destroy()
  }
}

/** A cluster client of node-redis. It sends again only what a server has told to be another's. */
export class NodeRedisClusterDriver implements Driver {
  readonly label = 'the node-redis cluster client'
  readonly keyPrefix = ''
  readonly channelPrefix = ''
  readonly losses = 0
  readonly #client: NodeRedisCluster

  constructor(client: NodeRedisCluster) {
    this.#client = client
    refusePrefix(nodeRedisPrefix(client), this.label)
  }

  ready(): Promise<void> | undefined {
    return this.#client.isOpen ? undefined : Promise.reject(clientClosed(this.label, CONNECT))
  }

  /** Never as a read-only command: with `useReplicas` those go to replicas. */
  send(key: string, command: string[], sending?: Sending): Promise<unknown> {
    return this.#client.sendCommand(key, false, command, optionsOf(sending))
  }

  sendAll(key: string, commands: readonly string[][], sending?: Sending): Promise<unknown[]> {
    return Promise.all(commands.map(command => this.send(key, command, sending)))
  }

  subscriber(events: SubscriberEvents): Subscriber {
    return new ShardSubscriber(channel => this.#locate(channel), events)
  }

  detach(): void {}

  async end(): Promise<void> {
    ;(this.#client as unknown as Ending).destroy()
  }

  async #locate(channel: string): Promise<Shard> {
    const client = (await this.#client.getNodeClientForKey(channel, false)) as SubscribingClient & WithSocket
    const { socket = {} } = client.options
    // One that cannot be reached is to say so, and not to try for ever: the channel may be elsewhere by then.
    const duplicate = async () => client.duplicate({ socket: { ...socket, reconnectStrategy: false } })
    return { address: `${socket.host}:${socket.port}`, open: events => new NodeRedisSubscriber(duplicate, events) }
  }
}

interface WithSocket {
  readonly options: { readonly socket?: { readonly host?: string; readonly port?: number } }
}

/** A sentinel client of node-redis. It sends again by itself what was in flight when the primary was lost. */
export class NodeRedisSentinelDriver implements Driver {
  readonly label = 'the node-redis sentinel client'
  readonly keyPrefix: string
  readonly channelPrefix: string
  losses = 0
  readonly #client: SendingSentinel
  readonly #readiness: Readiness

  constructor(client: NodeRedisSentinel) {
    this.#client = client as SendingSentinel
    this.keyPrefix = nodeRedisPrefix(client)
    this.channelPrefix = this.keyPrefix
    const condition = () => (client.isReady ? 'ready' : client.isOpen ? 'waiting' : 'closed')
    this.#readiness = new Readiness(client, ['ready', 'end', 'error'], condition, () =>
      clientClosed(this.label, CONNECT),
    )
  }

  ready(): Promise<void> | undefined {
    return this.#readiness.wait()
  }

  send(_key: string, command: string[], sending?: Sending): Promise<unknown> {
    const options = optionsOf(sending)
    let sendings = 0
    return this.#client._execute(false, primary => {
      sendings += 1
      if (sendings > 1) this.losses += 1
      return primary.sendCommand(command, options)
    })
  }

  sendAll(key: string, commands: readonly string[][], sending?: Sending): Promise<unknown[]> {
    return Promise.all(commands.map(command => this.send(key, command, sending)))
  }

  subscriber(events: SubscriberEvents): Subscriber {
    return new SentinelSubscriber(this.#client, events)
  }

  detach(): void {
    this.#readiness.stop()
  }

  async end(): Promise<void> {
    await (this.#client as unknown as Ending).destroy()
  }
}

interface SendingSentinel extends NodeRedisSentinel {
  /** What `sendCommand` is made of. It calls the function again where the primary was lost. */
  _execute(
    isReadonly: boolean,
    send: (primary: { sendCommand(command: string[], options?: object): Promise<unknown> }) => Promise<unknown>,
  ): Promise<unknown>
}

/** The client's own connection for messages, which follows the primary and subscribes again by itself. */
class SentinelSubscriber implements Subscriber {
  readonly #client: NodeRedisSentinel
  readonly #events: SubscriberEvents

  constructor(client: NodeRedisSentinel, events: SubscriberEvents) {
    this.#client = client
    this.#events = events
    client.on('error', this.#onChange)
    client.on('topology-change', this.#onChange)
  }

  async subscribe(channel: string): Promise<void> {
    await this.#client.sSubscribe(channel, this.#onMessage)
  }

  async unsubscribe(channel: string): Promise<void> {
    await this.#client.sUnsubscribe(channel, this.#onMessage)
  }

  close(): void {
    this.#client.off('error', this.#onChange)
    this.#client.off('topology-change', this.#onChange)
  }

  readonly #onMessage = (message: string, channel: string) => this.#events.message(channel, message)

  readonly #onChange = (event: unknown) => {
    const cause = event instanceof Error ? event : new Error('The sentinels have named another primary.')
    this.#events.interrupted(cause)
  }
}

/** @throws TypeError where a prefix would take the keys of a dictionary to different hash slots. */
export function refusePrefix(prefix: string, label: string): void {
  if (prefix === '') return
  throw new TypeError(
    `RedisDict cannot use ${label} with a keyPrefix: on a cluster, put it into the dictionary's name.`,
  )
}
