import { StoreUnavailableError, UnsupportedError } from '../../errors/errors.js'
import { optionalPackage } from '../../packages/optional-package.js'
import { DEFAULT_TIMEOUT } from '../../time/default-timeout.js'
import { orAborted } from '../../time/or-aborted.js'
import { within } from '../../time/within.js'
import { type Connecting, createOwn, type OwnClient, type RedisDriver } from './own-client.js'

/** The reply of a server that rejects a login. */
const REFUSED = /^(WRONGPASS|NOAUTH|NOPERM)/

/** The options of `connect`. */
export interface ConnectOptions {
  readonly dictionary: string
  readonly timeout: number | undefined
  readonly signal: AbortSignal | undefined
  readonly driver: RedisDriver | undefined
}

/**
 * Connects a client to a URL. Uses the given driver, else node-redis if it is installed, else ioredis.
 *
 * @throws TypeError if the URL cannot be parsed; UnsupportedError if no client is installed; StoreUnavailableError if
 * it cannot connect in time; the signal's reason if the signal is aborted first. A message contains no part of the
 * URL except its host.
 */
export async function connect(url: string, options: ConnectOptions): Promise<OwnClient> {
  const { dictionary, timeout = DEFAULT_TIMEOUT, signal, driver } = options
  const host = hostOf(url)
  const own = createOwn(url, driver ?? (await installedDriver()))
  try {
    const connecting = connected(own.client, timeout)
    await (signal ? orAborted(connecting, signal) : connecting)
    return own
  } catch (error) {
    own.end()
    signal?.throwIfAborted()
    throw new StoreUnavailableError(`Dictionary "${dictionary}": ${notConnected(host, error as Error)}`, {
      dictionary,
      cause: error,
    })
  }
}

function notConnected(host: string, { message }: Error): string {
  const reason = message.replace(/\.?$/, '.')
  if (REFUSED.test(message)) {
    return `Redis at ${host} rejects the login: ${reason} Check the user, the password and the rights of the user in the URL.`
  }
  return `Redis at ${host} cannot be reached: ${reason} Check the address, and that the server is running.`
}

/** @throws TypeError if it is not the package redis or ioredis. */
export function checkDriver(driver: unknown): asserts driver is RedisDriver | undefined {
  if (driver === undefined) return
  const { createClient, Redis, default: standard } = (driver ?? {}) as Readonly<Record<string, unknown>>
  if ([createClient, Redis, standard].some(member => typeof member === 'function')) return
  throw new TypeError(
    'Option "driver" of RedisDict.open() must be the package redis or ioredis, as `import *` returns it.',
  )
}

async function installedDriver(): Promise<RedisDriver> {
  const driver = (await optionalPackage('redis')) ?? (await optionalPackage('ioredis'))
  if (driver) return driver as RedisDriver
  throw new UnsupportedError(
    'To open a RedisDict by URL, install a Redis client: npm install redis. In a bundled program, pass the client from ' +
      "the bundle: import * as redis from 'redis', then the option { driver: redis }.",
  )
}

/**
 * Returns the host and port of a URL. If the password contains a character that ends the host, such as a slash, a
 * part of it would be parsed as the host. The path may therefore contain only the number of a database.
 */
function hostOf(url: string): string {
  if (!/^rediss?:\/\//.test(url)) throw new TypeError('A URL for a RedisDict begins with redis:// or rediss://.')
  const parsed = URL.canParse(url) ? new URL(url) : undefined
  const wellFormed = parsed && /^\/?\d*$/.test(parsed.pathname) && parsed.hash === '' && !parsed.search.includes('@')
  if (wellFormed && isDecodable(parsed.username) && isDecodable(parsed.password)) return parsed.host
  // The message contains no part of the URL. Neither does it include the error of Node, which contains the URL.
  throw new TypeError(
    'The URL for a RedisDict cannot be parsed. It has the form redis://user:password@host:port/0, where the port is at most 65535, ' +
      'the path is the number of a database, and special characters in the password are percent-encoded.',
  )
}

function isDecodable(text: string): boolean {
  try {
    decodeURIComponent(text)
    return true
  } catch {
    return false
  }
}

/**
 * Clients retry for ever and report each failure by an event. ioredis rejects after the first attempt nevertheless, and connects a moment
 * later: only the event says that a client is ready.
 */
async function connected(client: Connecting, timeout: number): Promise<void> {
  let latest: Error | undefined
  const ready = new Promise<void>((resolve, reject) => {
    client.on('ready', () => resolve())
    // The next call reports later faults.
    client.on('error', (error: Error) => {
      latest = error
      if (REFUSED.test(error.message)) reject(error)
    })
  })
  const connect = () => {
    client.connect().catch((error: Error) => {
      latest ??= error
    })
    return ready
  }
  await within(timeout, connect, undefined, () => latest ?? new Error(`It did not answer within ${timeout} ms.`))
}
