import { nameOf } from '../name-of.js'

/** The members of an event emitter that are used. */
export interface Emitter {
  // biome-ignore lint/suspicious/noExplicitAny: the arguments of a listener depend on the event
  on(event: string, listener: (...args: any[]) => void): unknown
  // biome-ignore lint/suspicious/noExplicitAny: as above
  off(event: string, listener: (...args: any[]) => void): unknown
}

/** A node-redis client, with the members that are used: one connection. */
export interface NodeRedisClient extends Emitter {
  readonly isOpen: boolean
  readonly isReady: boolean
  sendCommand(args: string[], options?: object): Promise<unknown>
  duplicate(overrides?: object): unknown
}

/** A node-redis pool, with the members that are used. */
export interface NodeRedisPool extends Emitter {
  readonly isOpen: boolean
  readonly totalClients: number
  sendCommand(args: string[], options?: object): Promise<unknown>
  // biome-ignore lint/suspicious/noExplicitAny: the pool passes a client of its own type
  execute(task: (client: any) => any): Promise<any>
}

/** A node-redis cluster client, with the members that are used. */
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

/** A node-redis sentinel client, with the members that are used. */
export interface NodeRedisSentinel extends Emitter {
  readonly isOpen: boolean
  readonly isReady: boolean
  getMasterNode(): unknown
  sendCommand(isReadonly: boolean | undefined, args: string[], options?: object): Promise<unknown>
}

/**
 * An ioredis `Redis`, with the members that are used: one connection, to a server or to the primary that its
 * sentinels name.
 */
export interface IoredisClient extends Emitter {
  readonly status: string
  /** The connection, if there is one. */
  readonly stream?: { cork?(): void; uncork?(): void } | null
  call(command: string, args: string[]): Promise<unknown>
  callBuffer(command: string, args: string[]): Promise<unknown>
  duplicate(overrides?: object): unknown
}

/** An ioredis `Cluster`, with the members that are used. */
export interface IoredisCluster extends Emitter {
  readonly status: string
  readonly isCluster: boolean
  call(command: string, args: string[]): Promise<unknown>
  callBuffer(command: string, args: string[]): Promise<unknown>
  nodes(role?: 'master'): readonly unknown[]
}

/** The clients that a RedisDict accepts. */
export type RedisClient =
  | NodeRedisClient
  | NodeRedisPool
  | NodeRedisCluster
  | NodeRedisSentinel
  | IoredisClient
  | IoredisCluster

/** A client and its kind. */
export type Recognized =
  | { readonly kind: 'node-redis'; readonly client: NodeRedisClient }
  | { readonly kind: 'node-redis pool'; readonly client: NodeRedisPool }
  | { readonly kind: 'node-redis cluster'; readonly client: NodeRedisCluster }
  | { readonly kind: 'node-redis sentinel'; readonly client: NodeRedisSentinel }
  | { readonly kind: 'ioredis'; readonly client: IoredisClient }
  | { readonly kind: 'ioredis cluster'; readonly client: IoredisCluster }

/**
 * @param caller - the start of the message: 'RedisDict.open() takes a name, then'.
 * @param otherwise - what else it accepts: ', or a URL …'.
 * @throws TypeError if it is none of these clients.
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
