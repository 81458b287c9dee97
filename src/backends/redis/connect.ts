import { StoreUnavailableError, UnsupportedError } from '../../errors/errors.js'
import { optionalPackage } from '../../packages/optional-package.js'
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

/** What is needed of the package redis. */
interface NodeRedis {
  createClient(options: object): Connecting
}

/** What is needed of the package ioredis. */
interface Ioredis {
  readonly Redis: new (url: string, options: object) => Connecting
}

/** The package redis or ioredis, as `import * as redis from 'redis'` returns it. */
export type RedisDriver =
  | { createClient(options: never): unknown }
  | { readonly Redis: new (...args: never) => unknown }

/** How to connect, for a URL. */
export interface ConnectOptions {
  readonly timeout: number | undefined
  readonly signal: AbortSignal | undefined
  readonly driver: RedisDriver | undefined
}

/**
 * A connected client for a URL: of the driver, else of node-redis where that is installed, else of ioredis.
 *
 * @throws UnsupportedError where neither is installed; StoreUnavailableError where it cannot connect in time; the signal's
 * reason where that is aborted before.
 */
export async function connect(url: string, { timeout = TIMEOUT, signal, driver }: ConnectOptions): Promise<unknown> {
  if (!/^rediss?:\/\//.test(url)) throw new TypeError('A URL for a RedisDict begins with redis:// or rediss://.')
  const client = create(url, driver ?? (await installedDriver()))
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

function create(url: string, driver: unknown): Connecting {
  const { createClient } = driver as Partial<NodeRedis>
  if (createClient) return createClient({ url })
  return new (driver as Ioredis).Redis(url, { lazyConnect: true })
}

/** @throws TypeError unless it is the package redis or ioredis. */
export function checkDriver(driver: unknown): asserts driver is RedisDriver | undefined {
  if (driver === undefined) return
  const { createClient, Redis } = (driver ?? {}) as Readonly<Record<string, unknown>>
  if (typeof createClient === 'function' || typeof Redis === 'function') return
  throw new TypeError(
    'Option "driver" of RedisDict.open() must be the package redis or ioredis, as `import *` returns it.',
  )
}

async function installedDriver(): Promise<unknown> {
  const driver = (await optionalPackage('redis')) ?? (await optionalPackage('ioredis'))
  if (driver) return driver
  throw new UnsupportedError(
    'To open a RedisDict by URL, a Redis client is needed: npm install redis. In a bundled program, pass the one that is in ' +
      "the bundle: import * as redis from 'redis', then the option { driver: redis }.",
  )
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
