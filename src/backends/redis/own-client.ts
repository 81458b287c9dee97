import { Pulse, reconnectAfter, SILENCE } from './pulse.js'

/** A connection of the library's own. It leaves a silent server, and does not keep the process alive. */
export interface OwnClient {
  readonly client: Connecting
  end(): void
}

/** What connecting needs of a client. */
export interface Connecting {
  connect(): Promise<unknown>
  on(event: string, listener: (argument: never) => void): unknown
}

/** The package redis or ioredis, as `import * as redis from 'redis'` returns it. */
export type RedisDriver =
  | { createClient(options: never): unknown }
  | { readonly Redis: new (...args: never) => unknown }

interface NodeRedis {
  createClient(options: object): NodeRedisOwn
}

interface NodeRedisOwn extends Connecting {
  readonly isReady: boolean
  unref(): void
  destroy(): void
  sendCommand(args: string[]): Promise<unknown>
}

interface Ioredis {
  /** Since 5.3; before, the default export alone. */
  readonly Redis?: new (
    url: string,
    options: object,
  ) => IoredisOwn
  readonly default: new (url: string, options: object) => IoredisOwn
}

/** The members of our own ioredis client that are used. */
export interface IoredisOwn extends Connecting {
  readonly status: string
  readonly stream?: { unref(): unknown; destroy(): unknown }
  disconnect(): void
  ping(): Promise<unknown>
}

/** A client for a URL, not connected yet, by the package. */
export function createOwn(url: string, driver: RedisDriver): OwnClient {
  return isIoredis(driver)
    ? ownIoredis(driver as unknown as Ioredis, url)
    : ownNodeRedis(driver as unknown as NodeRedis, url)
}

/**
 * Not by `createClient`: `require('ioredis')`, and the namespace that a bundler makes of it, have a function of that name, too. Nor by
 * `Redis` alone, which came with 5.3.
 */
function isIoredis(driver: RedisDriver): boolean {
  return 'Redis' in driver || 'Cluster' in driver || !('createClient' in driver)
}

/** By node-redis. */
export function ownNodeRedis({ createClient }: NodeRedis, url: string): OwnClient {
  const client = createClient({ url, socket: { reconnectStrategy: reconnectAfter } })
  client.unref()
  const drop = () => {
    client.destroy()
    client.connect().catch(() => {})
  }
  const pulse = new Pulse(() => (client.isReady ? client.sendCommand(['PING']) : undefined), drop)
  return { client, end: () => endAll(pulse, () => client.destroy()) }
}

/** By ioredis. */
export function ownIoredis({ Redis, default: Default }: Ioredis, url: string): OwnClient {
  const Client = Redis ?? Default
  const client = new Client(url, { lazyConnect: true, socketTimeout: SILENCE, retryStrategy: reconnectAfter })
  const pulse = keepIoredis(client)
  return { client, end: () => endAll(pulse, () => client.disconnect()) }
}

/** Has a connection of ioredis that is ours leave a silent server, and not keep the process alive. */
export function keepIoredis(client: IoredisOwn): Pulse {
  client.on('connect', () => client.stream?.unref())
  return new Pulse(
    () => (client.status === 'ready' ? client.ping() : undefined),
    () => client.stream?.destroy(),
  )
}

function endAll(pulse: Pulse, end: () => void): void {
  pulse.stop()
  try {
    end()
  } catch {
    // It was ended before.
  }
}
