import type { Emitter, IoredisClient, IoredisCluster } from '../../clients/redis/clients.js'
import { ioredisPrefix } from '../../clients/redis/prefixes.js'
import type { Driver, Sending, Subscriber, SubscriberEvents } from './driver.js'
import { clientClosed } from './faults.js'
import { IOREDIS_EVENTS, IoredisSubscriber, SUBSCRIBER_OPTIONS, type SubscribingClient } from './ioredis.js'
import { refusePrefix } from './node-redis-others.js'
import { Readiness } from './readiness.js'
import { type Shard, ShardSubscriber } from './shard-subscriber.js'
import { slotOf } from './slot.js'

interface Members extends IoredisCluster {
  readonly slots: readonly (readonly string[] | undefined)[]
  connect(): Promise<void>
  pipeline(commands: string[][]): { exec(): Promise<[unknown, unknown][] | null> }
}

interface Node extends IoredisClient {
  readonly options: { readonly host?: string; readonly port?: number }
  asking(...args: unknown[]): Promise<unknown>
}

/** Connections whose `asking` handles its rejection. */
const handled = new WeakSet<Emitter>()

/** An ioredis `Cluster`. It resends the in-flight commands of a lost connection by itself, byte for byte. */
export class IoredisClusterDriver implements Driver {
  readonly label = 'the ioredis cluster client'
  readonly isCluster = true
  readonly keyPrefix = ''
  readonly channelPrefix = ''
  losses = 0
  servedBefore = false
  readonly #client: Members
  readonly #readiness: Readiness
  readonly #watched = new Set<Emitter>()

  constructor(client: IoredisCluster) {
    this.#client = client as Members
    refusePrefix(ioredisPrefix(client), this.label)
    const condition = () => (client.status === 'ready' ? 'ready' : client.status === 'end' ? 'closed' : 'waiting')
    this.#readiness = new Readiness(client, IOREDIS_EVENTS, condition, () =>
      clientClosed(this.label, 'await client.connect()'),
    )
    client.on('+node', this.#watch)
    client.on('-node', this.#onClose)
    for (const node of client.nodes()) this.#watch(node as Emitter)
  }

  ready(): Promise<void> | undefined {
    if (this.#client.status === 'wait') this.#client.connect().catch(() => {})
    return this.#readiness.wait()
  }

  /** Goes to the primary even with `scaleReads`, which affects only read-only commands. EVALSHA is not read-only. */
  send(_key: string, [command = '', ...args]: string[], sending?: Sending): Promise<unknown> {
    return sending?.bytes ? this.#client.callBuffer(command, args) : this.#client.call(command, args)
  }

  /**
   * Sends one pipeline. It goes to the primary as a whole even with `scaleReads`, because one of the commands is not
   * read-only.
   */
  async sendAll(_key: string, commands: readonly string[][], sending?: Sending): Promise<unknown[]> {
    const calls = commands.map(command => [sending?.bytes ? 'callBuffer' : 'call', ...command])
    const results = await this.#client.pipeline(calls).exec()
    return (results ?? []).map(([error, reply]) => {
      if (error) throw error
      return reply
    })
  }

  subscriber(events: SubscriberEvents): Subscriber {
    return new ShardSubscriber(async channel => this.#locate(channel), events)
  }

  /** The servers of the cluster report the primary themselves. */
  leave(): boolean {
    return false
  }

  detach(): void {
    this.#readiness.stop()
    this.#client.off('+node', this.#watch)
    this.#client.off('-node', this.#onClose)
    for (const node of this.#watched) node.off('close', this.#onClose)
  }

  #locate(channel: string): Shard {
    const [address] = this.#client.slots[slotOf(channel)] ?? []
    const node = (this.#client.nodes('master') as Node[]).find(
      ({ options }) => `${options.host}:${options.port}` === address,
    )
    if (address === undefined || !node) throw new Error('The cluster client has no server for the hash slot.')
    const duplicate = () => node.duplicate({ ...SUBSCRIBER_OPTIONS, retryStrategy: null }) as SubscribingClient
    return { address, open: events => new IoredisSubscriber(duplicate(), events) }
  }

  readonly #watch = (node: Emitter) => {
    handleAsking(node as Node)
    this.#watched.add(node)
    node.on('close', this.#onClose)
  }

  readonly #onClose = () => {
    this.losses += 1
  }
}

/**
 * Before a command that a server redirected by ASK, the client sends ASKING and ignores its promise. If the connection closes then, the
 * rejection would end the process. The command itself is rejected too, or sent again.
 */
function handleAsking(node: Node): void {
  if (handled.has(node)) return
  handled.add(node)
  const { asking } = node
  node.asking = (...args) => {
    const answer = asking.apply(node, args)
    answer.catch(() => {})
    return answer
  }
}
