import { nameOf } from '../name-of.js'

/** What is needed of any event emitter. */
export interface Emitter {
  // biome-ignore lint/suspicious/noExplicitAny: what a listener takes depends on the event
  on(event: string, listener: (...args: any[]) => void): unknown
  // biome-ignore lint/suspicious/noExplicitAny: as above
  off(event: string, listener: (...args: any[]) => void): unknown
}

/** What is needed of a client of node-redis: one connection. */
export interface NodeRedisClient extends Emitter {
  readonly isOpen: boolean
  readonly isReady: boolean
  sendCommand(args: string[], options?: object): Promise<unknown>
  duplicate(overrides?: object): unknown
}

/** What is needed of a pool of node-redis. */
export interface NodeRedisPool extends Emitter {
  readonly isOpen: boolean
  readonly totalClients: number
  sendCommand(args: string[], options?: object): Promise<unknown>
  // biome-ignore lint/suspicious/noExplicitAny: what it hands out is a client of its own type
  execute(task: (client: any) => any): Promise<any>
}

/** What is needed of a cluster client of node-redis. */
export interface NodeRedisCluster extends Emitter {
  readonly isOpen: boolean
  readonly masters: readonly unknown[]
  readonly slots: readonly ({ readonly master: object } | undefined)[]
  nodeClient(node: unknown): unknown
  sendCommand(
    key: string | undefined,
    isReadonly: boolean | undefined,
    args: string[],
    options?: object,
  ): Promise<unknown>
}

/** What is needed of a sentinel client of node-redis. */
export interface NodeRedisSentinel extends Emitter {
  readonly isOpen: boolean
  readonly isReady: boolean
  getMasterNode(): unknown
  sendCommand(isReadonly: boolean | undefined, args: string[], options?: object): Promise<unknown>
}

/** What is needed of a `Redis` of ioredis: one connection, to a server or to what its sentinels name. */
export interface IoredisClient extends Emitter {
  readonly status: string
  call(command: string, args: string[]): Promise<unknown>
  callBuffer(command: string, args: string[]): Promise<unknown>
  duplicate(overrides?: object): unknown
}

/** What is needed of a `Cluster` of ioredis. */
export interface IoredisCluster extends Emitter {
  readonly status: string
  readonly isCluster: boolean
  call(command: string, args: string[]): Promise<unknown>
  callBuffer(command: string, args: string[]): Promise<unknown>
  nodes(role?: 'master'): readonly unknown[]
}

/** The clients that a RedisDict can be opened with. */
export type RedisClient =
  | NodeRedisClient
  | NodeRedisPool
  | NodeRedisCluster
  | NodeRedisSentinel
  | IoredisClient
  | IoredisCluster

/** Which of them it is. */
export type Recognized =
  | { readonly kind: 'node-redis'; readonly client: NodeRedisClient }
  | { readonly kind: 'node-redis pool'; readonly client: NodeRedisPool }
  | { readonly kind: 'node-redis cluster'; readonly client: NodeRedisCluster }
  | { readonly kind: 'node-redis sentinel'; readonly client: NodeRedisSentinel }
  | { readonly kind: 'ioredis'; readonly client: IoredisClient }
  | { readonly kind: 'ioredis cluster'; readonly client: IoredisCluster }

/**
 * @param caller - what takes the client, for the message: 'RedisDict.open() takes a name, then'.
 * @param otherwise - what it takes besides: ', or a URL …'.
 * @throws TypeError where it is none of them.
 */
export function recognize(client: unknown, caller: string, otherwise = ''): Recognized {
  const kind = kindOf(client)
  if (kind !== undefined) return { kind, client } as Recognized
  throw new TypeError(
    `${caller} a client of node-redis (client, pool, cluster or sentinel) or of ioredis (Redis or Cluster)` +
      `${otherwise}; got ${nameOf(client)}.`,
  )
}

function kindOf(client: unknown): Recognized['kind'] | undefined {
  if (typeof client !== 'object' || client === null) return undefined
  const has = (member: string, type: string) => typeof (client as Record<string, unknown>)[member] === type
  if (has('call', 'function') && has('status', 'string')) {
    return (client as IoredisCluster).isCluster === true ? 'ioredis cluster' : 'ioredis'
  }
  if (!has('sendCommand', 'function') || !has('on', 'function') || !has('isOpen', 'boolean')) return undefined
  if (has('nodeClient', 'function')) return 'node-redis cluster'
  if (has('getMasterNode', 'function')) return 'node-redis sentinel'
  if (has('totalClients', 'number')) return 'node-redis pool'
  return has('duplicate', 'function') ? 'node-redis' : undefined
}
