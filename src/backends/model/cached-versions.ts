import { randomBytes } from 'node:crypto'
import type { CatchUp, Change, Effect, Version } from '../../contract/backend.js'
import { UnsupportedError } from '../../errors/errors.js'
import { type Dialect, runAll } from './dialect.js'
import type { ModelManager, ModelSession } from './manager.js'
import type { Stored } from './stored.js'
import { isToken, type VersionCache } from './version-cache.js'
import type { Versions, Writing } from './versions.js'
import { within } from './within.js'

export interface CachedVersionsOptions {
  readonly cache: VersionCache
  readonly manager: ModelManager
  readonly dialect: Dialect
  /** What the database calls the key column. */
  readonly keyColumn: string
  readonly dictionary: string
  /** What tells the dictionary's version from others of the cache. */
  readonly key: string
  /** The most that a call may take, in ms. */
  readonly timeout: number
}

/** How often a token is founded anew where the cache loses it each time. */
const ATTEMPTS = 10

/**
 * The versions in a cache outside of the database: a counter with a random start, which is its epoch, so that a cache that was
 * evicted, flushed or restarted never gives a version again.
 *
 * A writer moves the version before it commits, while it holds a lock; a load takes that lock, too. So whoever sees the new
 * version loads after the commit, and a writer that dies in between, on whichever side of its commit, leaves no one stale.
 * There is no log: every change costs a full load.
 */
export class CachedVersions implements Versions {
  readonly recordsBounds = false
  readonly loadIsolation = {}
  readonly #options: CachedVersionsOptions

  constructor(options: CachedVersionsOptions) {
    this.#options = options
  }

  async current(): Promise<Version> {
    const { key, dictionary } = this.#options
    for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
      const token = await this.#ask(cache => cache.get(key))
      if (token !== undefined) return checked(token)
      await this.#ask(cache => cache.add(key, newToken()))
    }
    throw new Error(`The cache of the versions of dictionary "${dictionary}" does not keep what is added to it.`)
  }

  async loading(session: ModelSession): Promise<Version> {
    await this.#lock(session, 'load')
    return this.current()
  }

  async writing(session: ModelSession): Promise<Writing> {
    await this.#lock(session, 'write')
    return new CachedWriting(await this.current(), () => this.#bump())
  }

  async recordBound(): Promise<void> {
    const { dictionary } = this.#options
    throw new UnsupportedError(
      `The versions of dictionary "${dictionary}" are kept in a cache, which may lose a recorded bound: open it without "cache".`,
      { dictionary },
    )
  }

  async #lock(session: ModelSession, purpose: 'load' | 'write'): Promise<void> {
    const { dialect, manager, keyColumn, key, timeout } = this.#options
    const lock = dialect.lockModel(purpose, manager.table, keyColumn, key)
    await runAll(session, dialect, [...dialect.readCommitted, ...dialect.bound(timeout), ...lock])
  }

  async #bump(): Promise<Version> {
    const { key } = this.#options
    const token = await this.#ask(cache => cache.incr(key))
    // Lost meanwhile: any new one is another.
    return token === undefined ? this.current() : checked(token)
  }

  /** Clients may wait for ever on a cache that hangs, and meanwhile the transaction holds a connection and a lock. */
  #ask<V>(question: (cache: VersionCache) => Promise<V>): Promise<V> {
    return within(this.#options.timeout, () => question(this.#options.cache))
  }
}

class CachedWriting implements Writing {
  readonly version: Version
  readonly bound = 0
  readonly #bump: () => Promise<Version>
  /** Whether nobody else has moved the version, as far as the counter shows. */
  #chained = true

  constructor(version: Version, bump: () => Promise<Version>) {
    this.version = version
    this.#bump = bump
  }

  /** What has changed is not known: any change may have touched it. */
  touchedSince(since: Version): boolean {
    return since !== this.version
  }

  async advance(_effects: readonly Effect<Stored>[] | undefined): Promise<Version> {
    const next = await this.#bump()
    this.#chained = Number(next) === Number(this.version) + 1
    return next
  }

  async catchUp(since: Version, change: Change<Stored> | undefined): Promise<CatchUp<Stored>> {
    if (since !== this.version || !this.#chained) return { type: 'tooOld', diverged: false }
    return { type: 'changes', version: change?.version ?? since, changes: change ? [change] : [] }
  }
}

/** An unguessable epoch: 52 bits, so that what is counted up from it stays a number that every client gives back exactly. */
function newToken(): string {
  return String(randomBytes(8).readBigUInt64BE() >> 12n)
}

function checked(token: string): string {
  if (isToken(String(token))) return String(token)
  throw new TypeError(
    `A VersionCache must give tokens: integers below 2^53 in decimal digits; got ${JSON.stringify(token)}.`,
  )
}
