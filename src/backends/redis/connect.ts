import { StoreUnavailableError, UnsupportedError } from '../../errors/errors.js'
import { clearTimeout, setTimeout } from '../../time/clock.js'
import { orAborted } from '../waiting.js'

/** How long connecting may take where the caller does not say, in ms. */
const TIMEOUT = 5_000

interface Connecting {
  connect(): Promise<unknown>
  on(event: 'error', listener: (error: Error) => void): unknown
  /** Of node-redis. */
  destroy?(): void
  /** Of ioredis. */
  disconnect?(): void
}

interface NodeRedis {
  createClient(options: object): Connecting
}

interface Ioredis {
  readonly Redis: new (url: string, options: object) => Connecting
}

/**
 * A connected client for a URL: of node-redis where that is installed, else of ioredis.
 *
 * @throws UnsupportedError where neither is installed; StoreUnavailableError where it cannot connect in time; the signal's
 * reason where that is aborted before.
 */
export async function connect(url: string, timeout = TIMEOUT, signal?: AbortSignal): Promise<unknown> {
  if (!/^rediss?:\/\//.test(url)) throw new TypeError('A URL for a RedisDict begins with redis:// or rediss://.')
  const client = await create(url)
  try {
    const connecting = connected(client, timeout)
    await (signal ? orAborted(connecting, signal) : connecting)
    return client
  } catch (error) {
    if (client.destroy) client.destroy()
    else client.disconnect?.()
    signal?.throwIfAborted()
    const { host } = new URL(url)
    const { message } = error as Error
    throw new StoreUnavailableError(`Redis at ${host} cannot be reached: ${message}`, { cause: error })
  }
}

async function create(url: string): Promise<Connecting> {
  const nodeRedis = await load<NodeRedis>('redis')
  if (nodeRedis) return nodeRedis.createClient({ url })
  const ioredis = await load<Ioredis>('ioredis')
  if (ioredis) return new ioredis.Redis(url, { lazyConnect: true })
  throw new UnsupportedError('To open a RedisDict by URL, a Redis client is needed: npm install redis')
}

/** Clients try again for ever, and tell of each failure by an event. */
async function connected(client: Connecting, timeout: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const failed = new Promise<never>((_, reject) => {
    let latest: Error | undefined
    // Later faults come to light at the next call.
    client.on('error', error => {
      latest = error
      if (/^(WRONGPASS|NOAUTH|NOPERM)/.test(error.message)) reject(error)
    })
    timer = setTimeout(() => reject(latest ?? new Error(`It did not answer within ${timeout} ms.`)), timeout)
  })
  try {
    await Promise.race([client.connect(), failed])
  } finally {
    clearTimeout(timer)
  }
}

/** An optional package, or nothing where it is not installed. */
async function load<M>(name: string): Promise<M | undefined> {
  try {
    return (await import(name)) as M
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ERR_MODULE_NOT_FOUND') return undefined
    throw error
  }
}
