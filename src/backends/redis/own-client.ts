import { Pulse, reconnectAfter, SILENCE } from './pulse.js'

/** A connection that the library opened. It drops a silent server, and does not keep the process alive. */
export interface OwnClient {
  readonly client: Connecting
  end(): void
}

/** What `connect` needs from a client. */
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
  /** Exported since version 5.3; earlier versions have only the default export. */
  readonly Redis?: new (
    url: string,
    options: object,
  ) => IoredisOwn
  readonly default: new (url: string, options: object) => IoredisOwn
}

/** The members of the library's own ioredis client that are used. */
export interface IoredisOwn extends Connecting {
  readonly status: string
  readonly stream?: { unref(): unknown; destroy(): unknown }
  disconnect(): void
  ping(): Promise<unknown>
}

/** Creates a client for a URL, not connected yet, with the given package. */
export function createOwn(url: string, driver: RedisDriver): OwnClient {
  return isIoredis(driver)
    ? ownIoredis(driver as unknown as Ioredis, url)
    : ownNodeRedis(driver as unknown as NodeRedis, url)
}

/**
 * `createClient` identifies neither package: `require('ioredis')`, and a bundler's namespace for it, export a
 * function of that name too. `Redis` alone is not enough either: ioredis exports it only since 5.3.
 */
function isIoredis(driver: RedisDriver): boolean {
  return 'Redis' in driver || 'Cluster' in driver || !('createClient' in driver)
}

/** Creates a node-redis client. */
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

/** Creates an ioredis client. */
export function ownIoredis({ Redis, default: Default }: Ioredis, url: string): OwnClient {
  const Client = Redis ?? Default
  const client = new Client(url, { lazyConnect: true, socketTimeout: SILENCE, retryStrategy: reconnectAfter })
  const pulse = keepIoredis(client)
  return { client, end: () => endAll(pulse, () => client.disconnect()) }
}

/** Makes an ioredis connection of the library drop a silent server, and not keep the process alive. */
export function keepIoredis(client: IoredisOwn): Pulse {
  client.on('connect', () => client.stream?.unref())
  let pinged = client.stream
  const ping = () => {
    if (client.status !== 'ready') return undefined
    pinged = client.stream
    return client.ping()
  }
  // A ping that was lost with its connection may never be answered: the connection after it is not silent.
  return new Pulse(ping, () => pinged?.destroy())
}

function endAll(pulse: Pulse, end: () => void): void {
  pulse.stop()
  try {
    end()
  } catch {
    // It was closed already.
  }
}
