import type {
  NodeRedisClient,
  NodeRedisCluster,
  NodeRedisPool,
  NodeRedisSentinel,
} from '../../clients/redis/clients.js'
import { nodeRedisPrefix } from '../../clients/redis/prefixes.js'
import type { Driver, Sending, Subscriber, SubscriberEvents } from './driver.js'
import { clientClosed } from './faults.js'
import { Leaving } from './leaving.js'
import {
  AS_BYTES,
  databaseOf,
  duplicate,
  NodeRedisSubscriber,
  reconnect,
  type SubscribingClient,
} from './node-redis.js'
import { Readiness } from './readiness.js'
import { type Shard, ShardSubscriber } from './shard-subscriber.js'
import { slotOf } from './slot.js'
import { Unanswered } from './unanswered.js'
import { untilSubscribed } from './until-subscribed.js'

/** Like those of one connection, but the client's own time limit applies to commands that wait inside the client. */
const OPTIONS = { typeMapping: {} }
const BYTES_OPTIONS = { typeMapping: AS_BYTES }

function optionsOf({ signal, bytes }: Sending = {}): object {
  const options = bytes ? BYTES_OPTIONS : OPTIONS
  return signal ? { ...options, abortSignal: signal } : options
}

const CONNECT = 'await client.connect()'

/** A node-redis pool. It rejects the in-flight commands of a lost connection and does not resend them. */
export class NodeRedisPoolDriver implements Driver {
  readonly label = 'the node-redis pool'
  readonly isCluster = false
  readonly keyPrefix: string
  readonly channelPrefix: string
  readonly losses = 0
  servedBefore = false
  readonly #client: NodeRedisPool
  readonly #leaving = new Leaving(() => this.#reconnect())

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

  /** On one connection of the pool, in this order. */
  sendAll(_key: string, commands: readonly string[][], sending?: Sending): Promise<unknown[]> {
    const options = optionsOf(sending)
    return this.#client.execute((client: NodeRedisClient) =>
      Promise.all(commands.map(command => client.sendCommand(command, options))),
    )
  }

  database(): Promise<number> {
    return this.#client.execute(databaseOf)
  }

  subscriber(events: SubscriberEvents): Subscriber {
    return new NodeRedisSubscriber(() => this.#client.execute(pooled => duplicate(pooled)), events)
  }

  leave(): boolean {
    return this.#leaving.leave()
  }

  /** Reconnects each connection of the pool. */
  #reconnect(): boolean {
    // Each is busy until it is closed, so that the pool neither leaves it twice nor sends another command on it.
    for (let count = this.#client.totalClients; count > 0; count -= 1) this.#client.execute(reconnect).catch(() => {})
    return true
  }

  detach(): void {}
}

/** A node-redis cluster client. It resends only commands that a server redirected. */
export class NodeRedisClusterDriver implements Driver {
  readonly label = 'the node-redis cluster client'
  readonly isCluster = true
  readonly keyPrefix = ''
  readonly channelPrefix = ''
  readonly losses = 0
  servedBefore = false
  readonly #client: NodeRedisCluster
  /** By server, as the client represents it. */
  readonly #unanswered = new WeakMap<object, Unanswered>()
  readonly #slots = new Map<string, number>()

  constructor(client: NodeRedisCluster) {
    this.#client = client
    refusePrefix(nodeRedisPrefix(client), this.label)
  }

  ready(key: string): Promise<void> | undefined {
    if (!this.#client.isOpen) return Promise.reject(clientClosed(this.label, CONNECT))
    return this.#unansweredOf(key).wait()
  }

  /** Never sends a command as read-only: with `useReplicas` those go to replicas. */
  send(key: string, command: string[], sending?: Sending): Promise<unknown> {
    return this.#unansweredOf(key).track(this.#client.sendCommand(key, false, command, optionsOf(sending)))
  }

  sendAll(key: string, commands: readonly string[][], sending?: Sending): Promise<unknown[]> {
    return Promise.all(commands.map(command => this.send(key, command, sending)))
  }

  subscriber(events: SubscriberEvents): Subscriber {
    return new ShardSubscriber(channel => this.#locate(channel), events)
  }

  detach(): void {}

  /** The servers of the cluster report the primary themselves. */
  leave(): boolean {
    return false
  }

  #unansweredOf(key: string): Unanswered {
    const slot = this.#slots.get(key) ?? slotOf(key)
    this.#slots.set(key, slot)
    const server = this.#client.slots[slot]?.master ?? this.#client
    const unanswered = this.#unanswered.get(server) ?? new Unanswered()
    this.#unanswered.set(server, unanswered)
    return unanswered
  }

  async #locate(channel: string): Promise<Shard> {
    const { master } = this.#client.slots[slotOf(channel)] ?? {}
    if (!master) throw new Error('The cluster client has no server for the hash slot.')
    return shardOf((await this.#client.nodeClient(master)) as NodeRedisClient)
  }
}

/** The server to which a client is connected. */
function shardOf(client: NodeRedisClient): Shard {
  // It must fail, and not reconnect for ever, if the server is unreachable: the channel may have moved by then.
  const create = async () => duplicate(client, false)
  const { socket = {} } = (client as SubscribingClient).options ?? {}
  return { address: `${socket.host}:${socket.port}`, open: events => new NodeRedisSubscriber(create, events) }
}

/** A node-redis sentinel client. When the primary is lost, it resends in-flight commands by itself. */
export class NodeRedisSentinelDriver implements Driver {
  readonly label = 'the node-redis sentinel client'
  readonly isCluster = false
  readonly keyPrefix: string
  readonly channelPrefix: string
  losses = 0
  servedBefore = false
  readonly #client: SendingSentinel
  readonly #readiness: Readiness
  readonly #unanswered = new Unanswered()

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
    const quiet = this.#unanswered.wait()
    return quiet ? quiet.then(() => this.#readiness.wait()) : this.#readiness.wait()
  }

  send(_key: string, command: string[], sending?: Sending): Promise<unknown> {
    const options = optionsOf(sending)
    let sendings = 0
    const answer = this.#client._execute(false, primary => {
      sendings += 1
      if (sendings > 1) this.losses += 1
      return primary.sendCommand(command, options)
    })
    return this.#unanswered.track(answer)
  }

  sendAll(key: string, commands: readonly string[][], sending?: Sending): Promise<unknown[]> {
    return Promise.all(commands.map(command => this.send(key, command, sending)))
  }

  subscriber(events: SubscriberEvents): Subscriber {
    const client = this.#client
    if (hasMessages(client)) return new SentinelSubscriber(client, events)
    const locate = () => client._execute(false, async primary => shardOf(primary)) as Promise<Shard>
    return new ShardSubscriber(locate, events)
  }

  /** The sentinels report the primary themselves. */
  leave(): boolean {
    return false
  }

  detach(): void {
    this.#readiness.stop()
  }
}

interface SendingSentinel extends NodeRedisSentinel {
  /** The method that `sendCommand` uses. It calls the function again if the primary was lost. */
  _execute(isReadonly: boolean, send: (primary: NodeRedisClient) => Promise<unknown>): Promise<unknown>
}

type OnMessage = (message: string, channel: string) => void

/** Since version 5.11 the client has a connection for sharded messages. */
interface MessagingSentinel extends NodeRedisSentinel {
  sSubscribe(channel: string, listener: OnMessage): Promise<unknown>
  sUnsubscribe(channel: string, listener?: OnMessage): Promise<unknown>
}

function hasMessages(client: NodeRedisSentinel): client is MessagingSentinel {
  return typeof (client as Partial<MessagingSentinel>).sSubscribe === 'function'
}

/** The client's own connection for messages, which follows the primary and subscribes again by itself. */
class SentinelSubscriber implements Subscriber {
  readonly #client: MessagingSentinel
  readonly #events: SubscriberEvents
  readonly #closed = new AbortController()

  constructor(client: MessagingSentinel, events: SubscriberEvents) {
    this.#client = client
    this.#events = events
    client.on('error', this.#onChange)
    client.on('topology-change', this.#onChange)
  }

  /** The client gives up a subscription when it finds another primary in the meantime. */
  async subscribe(channel: string): Promise<void> {
    const subscribe = async () => void (await this.#client.sSubscribe(channel, this.#onMessage))
    await untilSubscribed(subscribe, this.#closed.signal)
  }

  async unsubscribe(channel: string): Promise<void> {
    await this.#client.sUnsubscribe(channel, this.#onMessage)
  }

  close(): void {
    this.#closed.abort()
    this.#client.off('error', this.#onChange)
    this.#client.off('topology-change', this.#onChange)
  }

  readonly #onMessage = (message: string, channel: string) => this.#events.message(channel, message)

  readonly #onChange = (event: unknown) => {
    const cause = event instanceof Error ? event : new Error('The sentinels have named another primary.')
    this.#events.interrupted(cause)
  }
}

/** @throws TypeError if there is a prefix, which would put the keys of a dictionary into different hash slots. */
export function refusePrefix(prefix: string, label: string): void {
  if (prefix === '') return
  throw new TypeError(
    `RedisDict cannot use ${label} with a keyPrefix: on a cluster, put the prefix into the dictionary's name.`,
  )
}
