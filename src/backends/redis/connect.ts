import { StoreUnavailableError, UnsupportedError } from '../../errors/errors.js'

/** How long connecting may take where the caller does not say, in ms. */
const TIMEOUT = 5_000

interface NodeRedis {
  createClient(options: object): {
    connect(): Promise<unknown>
    destroy(): void
    on(event: 'error', fn: () => void): void
  }
}

interface Ioredis {
  readonly Redis: new (
    url: string,
    options: object,
  ) => { connect(): Promise<unknown>; disconnect(): void; on(event: 'error', fn: () => void): void }
}

/**
 * A connected client for a URL: of node-redis where that is installed, else of ioredis.
 *
 * @throws UnsupportedError where neither is installed; StoreUnavailableError where it cannot connect in time.
 */
export async function connect(url: string, timeout = TIMEOUT): Promise<unknown> {
  if (!/^rediss?:\/\//.test(url))
    throw new TypeError(`A URL for a RedisDict begins with redis:// or rediss://; got ${url}.`)
  const nodeRedis = await load<NodeRedis>('redis')
  if (nodeRedis) return connectNodeRedis(nodeRedis, url, timeout)
  const ioredis = await load<Ioredis>('ioredis')
  if (ioredis) return connectIoredis(ioredis, url, timeout)
  throw new UnsupportedError('To open a RedisDict by URL, a Redis client is needed: npm install redis')
}

async function connectNodeRedis({ createClient }: NodeRedis, url: string, timeout: number): Promise<unknown> {
  const client = createClient({ url })
  // Faults come to light at the next call.
  client.on('error', () => {})
  return within(client.connect(), () => client.destroy(), client, url, timeout)
}

async function connectIoredis({ Redis }: Ioredis, url: string, timeout: number): Promise<unknown> {
  const client = new Redis(url, { lazyConnect: true })
  client.on('error', () => {})
  return within(client.connect(), () => client.disconnect(), client, url, timeout)
}

async function within(
  connecting: Promise<unknown>,
  end: () => void,
  client: unknown,
  url: string,
  timeout: number,
): Promise<unknown> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`No connection within ${timeout} ms.`)), timeout)
  })
  try {
    await Promise.race([connecting, late])
    return client
  } catch (cause) {
    end()
    throw new StoreUnavailableError(`Redis at ${new URL(url).host} cannot be reached: ${(cause as Error).message}`, {
      cause,
    })
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
