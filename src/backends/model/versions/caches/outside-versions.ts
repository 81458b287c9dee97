import { StoreUnavailableError } from '../../../../errors/errors.js'
import { DEFAULT_TIMEOUT } from '../../../../time/default-timeout.js'
import { within } from '../../../../time/within.js'
import { shapeOf } from '../../../sql/replies.js'
import { checkToken, checkVersionKey, isToken, type VersionCache } from '../version-cache.js'

/** The options of caches outside this process. */
export interface VersionCacheOptions {
  /**
   * The most that any one call may take, in milliseconds, whatever the client's own limits. Default 5,000; at least 1.
   * A writer waits for the cache inside its transaction: the database's lock is held no longer than that.
   *
   * @example
   * redisVersions(client, { timeout: 500 })
   */
  timeout?: number | undefined
}

/**
 * What a client is to do within `timeout`, in ms, if it can hold to one; every failure rejects, or throws. The version
 * that it gives may be text, bytes or a number.
 */
export interface VersionClient {
  /** As in messages: 'memcached'. */
  readonly label: string
  /** Undefined where the server says that the key is missing, and only then. */
  get(key: string, timeout: number): Promise<unknown>
  /** Whether the server has kept it. */
  add(key: string, token: string, timeout: number): Promise<boolean>
  /** Undefined where the server says that the key is missing, and only then. */
  incr(key: string, timeout: number): Promise<unknown>
}

/** Strict about what comes out of a client, and bounded in time. What is answered late is ignored. */
export class OutsideVersions implements VersionCache {
  readonly #client: VersionClient
  readonly #timeout: number

  /** @throws TypeError for an option that is not of its kind. */
  constructor(client: VersionClient, { timeout = DEFAULT_TIMEOUT }: VersionCacheOptions = {}) {
    if (typeof timeout !== 'number' || !(timeout >= 1 && timeout <= LONGEST)) {
      throw new TypeError(`timeout must be a number of milliseconds, 1 to ${LONGEST}; got ${String(timeout)}.`)
    }
    this.#client = client
    this.#timeout = timeout
  }

  async get(key: string): Promise<string | undefined> {
    checkVersionKey(key)
    return this.#toToken(key, await this.#ask(() => this.#client.get(key, this.#timeout)))
  }

  async add(key: string, token: string): Promise<boolean> {
    checkVersionKey(key)
    checkToken(token)
    return this.#ask(() => this.#client.add(key, token, this.#timeout))
  }

  async incr(key: string): Promise<string | undefined> {
    checkVersionKey(key)
    return this.#toToken(key, await this.#ask(() => this.#client.incr(key, this.#timeout)))
  }

  /** @throws StoreUnavailableError if something else is stored there. */
  #toToken(key: string, value: unknown): string | undefined {
    if (value === undefined) return undefined
    const text = toText(value)
    if (text !== undefined && isToken(text)) return text
    throw new StoreUnavailableError(
      `${this.#client.label} holds no version under the key "${key}", but ${shapeOf(text ?? value)}: ` +
        'something else writes there. Give the dictionary another name, or delete that key: a new version is then founded.',
    )
  }

  async #ask<T>(call: () => Promise<T>): Promise<T> {
    try {
      return await within(this.#timeout, call)
    } catch (cause) {
      const reason = cause instanceof Error ? cause.message : String(cause)
      throw new StoreUnavailableError(`${this.#client.label} could not be asked for a version: ${reason}`, { cause })
    }
  }
}

/** The longest that a timer can wait. */
const LONGEST = 2 ** 31 - 1

/** Clients give text, bytes or numbers. */
function toText(value: unknown): string | undefined {
  if (value instanceof Uint8Array) return Buffer.from(value).toString('latin1')
  const simple = typeof value === 'string' || typeof value === 'number' || typeof value === 'bigint'
  return simple ? String(value) : undefined
}
