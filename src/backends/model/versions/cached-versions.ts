import type { CatchUp, Change, Effect, Version } from '../../../contract/backend.js'
import { StoreUnavailableError, UnsupportedError } from '../../../errors/errors.js'
import { builtin } from '../../../process/builtin.js'
import { within } from '../../../time/within.js'
import { askSession, type SessionFacts } from '../../sql/connection-settings.js'
import { type Dialect, runAll } from '../../sql/dialect.js'
import { shapeOf } from '../../sql/replies.js'
import type { ModelManager, ModelSession } from '../managers/manager.js'
import type { Stored } from '../table/stored.js'
import { isToken, type VersionCache } from './version-cache.js'
import type { Versions, Writing } from './versions.js'

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

/** The version of a dictionary that has none, for those who may not found one. */
const UNFOUNDED = 'unfounded'

/** How often a lost token is created again. */
const ATTEMPTS = 10

/**
 * The versions in a cache outside the database: a counter with a random start, which is its epoch, so that a cache that was
 * evicted, flushed or restarted never returns a version again.
 *
 * A writer moves the version before it commits, while it holds a lock; a load takes that lock, too. So a process that sees the
 * new version loads after the commit. A writer that dies before or after its commit leaves no process stale.
 * There is no log: every change costs a full load.
 */
export class CachedVersions implements Versions {
  readonly recordsBounds = false
  readonly loadIsolation = {}
  readonly #options: CachedVersionsOptions
  #onlyReads = false

  constructor(options: CachedVersionsOptions) {
    this.#options = options
  }

  /** @throws UnsupportedError in SQLite, which has no lock that a reader can take. */
  restrictToReads(): void {
    const { dialect, dictionary } = this.#options
    if (dialect.lockModelForReaders) {
      this.#onlyReads = true
      return
    }
    throw new UnsupportedError(
      `Dictionary "${dictionary}" cannot be opened with "readOnly" and "cache" in SQLite: a load has to take the lock that writers ` +
        'take. Leave out one of the two.',
      { dictionary },
    )
  }

  async current(): Promise<Version> {
    const { key, dictionary } = this.#options
    for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
      const token = await this.#ask(cache => cache.get(key))
      if (token !== undefined) return checked(token, dictionary)
      if (this.#onlyReads) return UNFOUNDED
      await this.#ask(cache => cache.add(key, newToken()))
    }
    throw new Error(`The cache of the versions of dictionary "${dictionary}" does not keep what is added to it.`)
  }

  async loading(session: ModelSession): Promise<Version> {
    await this.#lock(session, 'load')
    return this.current()
  }

  async writing(session: ModelSession): Promise<Writing> {
    const facts = await this.#lock(session, 'write')
    return new CachedWriting(await this.current(), facts, () => this.#bump())
  }

  async registerMaxStaleness(): Promise<void> {
    const { dictionary } = this.#options
    throw new UnsupportedError(
      `The versions of dictionary "${dictionary}" are kept in a cache, which may lose a recorded bound: open it without "cache".`,
      { dictionary },
    )
  }

  async #lock(session: ModelSession, purpose: 'load' | 'write'): Promise<SessionFacts> {
    const { dialect, manager, keyColumn, key, timeout, dictionary } = this.#options
    const lockModel = this.#onlyReads ? dialect.lockModelForReaders : dialect.lockModel
    const lock = lockModel?.(purpose, manager.table, keyColumn, key) ?? []
    await runAll(session, dialect, [...dialect.readCommitted, ...dialect.bound(timeout)])
    const facts = await askSession(manager.library, session, dialect, dictionary)
    await runAll(session, dialect, lock)
    return facts
  }

  async #bump(): Promise<Version> {
    const { key } = this.#options
    const token = await this.#ask(cache => cache.incr(key))
    // Lost meanwhile: any new one is another.
    return token === undefined ? this.current() : checked(token, this.#options.dictionary)
  }

  /** Clients may wait for ever on a cache that hangs, and meanwhile the transaction holds a connection and a lock. */
  #ask<V>(question: (cache: VersionCache) => Promise<V>): Promise<V> {
    return within(this.#options.timeout, () => question(this.#options.cache))
  }
}

class CachedWriting implements Writing {
  readonly version: Version
  readonly bound = 0
  readonly keepsHistory = false
  readonly largest: number
  readonly connection: number | undefined
  readonly #bump: () => Promise<Version>
  /** Whether nobody else has moved the version, as far as the counter shows. */
  #chained = true

  constructor(version: Version, { largest, connection }: SessionFacts, bump: () => Promise<Version>) {
    this.version = version
    this.largest = largest
    this.connection = connection
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

/** An unguessable epoch: 52 bits, so that what is counted up from it stays a number that every client returns exactly. */
function newToken(): string {
  return String(builtin.crypto.randomBytes(8).readBigUInt64BE() >> 12n)
}

function checked(token: unknown, dictionary: string): string {
  if (typeof token === 'string' && isToken(token)) return token
  throw new StoreUnavailableError(
    `The cache of the versions of dictionary "${dictionary}" holds ${shapeOf(token)} instead of a version: an integer below 2^53 in ` +
      'decimal digits. Delete it from the cache: a new version is then founded.',
    { dictionary },
  )
}
