import type { CatchUp, Change, Effect, Group, Version } from '../../contract/backend.js'
import { newEpoch, newNonce, parseVersion, toVersion, type VersionParts } from '../sql/version.js'
import { interpret, LOG_BYTES, LOG_COMMITS, type Past, serialize, TRIM_EVERY, touched } from './change-log.js'
import { channelOf } from './channel.js'
import { type Dialect, run, runAll, type Statement } from './dialect.js'
import { checkFormat, isMissingTable, noVersionTables } from './faults.js'
import type { ModelManager, ModelSession, SqlRow, SqlSession } from './manager.js'
import { needsRows, type Resolved, replay } from './resolving.js'
import type { Rows } from './rows.js'
import type { Stored } from './stored.js'
import { CHANGE_COLUMNS, CHANGE_KEY, FORMAT, SQL } from './tables.js'
import type { Versions, Writing } from './versions.js'

/** Where a dictionary's history stands. */
interface Head extends VersionParts {
  /** How much was ever logged, in bytes. */
  readonly bytes: number
  readonly bound: number
  readonly version: Version
}

export interface DatabaseVersionsOptions {
  readonly manager: ModelManager
  readonly dialect: Dialect
  readonly rows: Rows
  /** Whether what is stored is known by the rows alone. */
  readonly rereads: boolean
  /** The dictionary's name, for errors. */
  readonly dictionary: string
  /** What tells its version from others of the database. */
  readonly key: string
  /** The most that a call may take, in ms. */
  readonly timeout: number
}

/** The most that a transaction which reads what has changed may take where the library bounds it, in ms. */
const READING_LIMIT = 60_000

/**
 * The versions, and a bounded log of the changes, in the database itself: written in the same transaction as the rows, so that
 * neither can be without the other. A check is one statement, catching up one more.
 */
export class DatabaseVersions implements Versions {
  readonly recordsBounds = true
  readonly loadIsolation = { isolation: 'snapshot' } as const
  readonly #options: DatabaseVersionsOptions

  constructor(options: DatabaseVersionsOptions) {
    this.#options = options
  }

  async current(): Promise<Version> {
    const { manager } = this.#options
    return ((await this.#head(manager)) ?? (await this.#found(manager))).version
  }

  async changesSince(since: Version): Promise<CatchUp<Stored>> {
    const { manager } = this.#options
    const head = await this.#head(manager)
    if (!head) return { type: 'tooOld', diverged: true }
    if (head.version === since) return { type: 'changes', version: head.version, changes: [] }
    const past = await this.#past(manager, since, head)
    if (!needsRows(past, this.#options.rereads)) return replay(past)
    return manager.transaction(session => this.#resolved(session, since), {
      ...this.loadIsolation,
      limit: READING_LIMIT,
    })
  }

  async loading(session: ModelSession): Promise<Version> {
    const head = await this.#head(session)
    if (head) return head.version
    throw new Error(`The version of dictionary "${this.#options.dictionary}" was removed while it was being loaded.`)
  }

  async writing(session: ModelSession, groups: readonly Group<unknown>[]): Promise<Writing> {
    const head = (await this.#lock(session)) ?? (await this.#foundAndLock(session))
    const since = earliest(groups)
    const past = since === undefined ? undefined : await this.#past(session, since, head)
    return new DatabaseWriting(
      head,
      past,
      this.#options,
      (from, present) => this.#catchUp(session, from, present),
      session,
    )
  }

  async recordBound(ms: number): Promise<void> {
    const { manager, key } = this.#options
    await this.current()
    await this.#run(manager, SQL.raiseBound, ms, key, ms)
  }

  /**
   * Once the lock is had, the transaction in question has ended. Its commit is found by its nonce. Of a head that is not there, or
   * another one, nothing is known: then there was no lock to wait for.
   */
  async outcome(writing: Writing): Promise<boolean | undefined> {
    const { manager, timeout, key } = this.#options
    const { next } = writing as DatabaseWriting
    if (!next) return false
    return manager.transaction(
      async session => {
        const head = await this.#lock(session)
        if (head?.epoch !== next.epoch) return undefined
        if (head.number < next.number) return false
        const [row] = await this.#run(session, SQL.change, key, next.number)
        return row && row.nonce === next.nonce
      },
      { limit: timeout },
    )
  }

  /** The changes since in place of rows that are as old as they: what is read belongs to one state. */
  async #resolved(session: ModelSession, since: Version): Promise<CatchUp<Stored>> {
    const head = await this.#head(session)
    if (!head) return { type: 'tooOld', diverged: true }
    return this.#catchUp(session, since, head)
  }

  async #catchUp(
    session: ModelSession,
    since: Version,
    head: Pick<Head, 'version'> & VersionParts,
  ): Promise<CatchUp<Stored>> {
    if (since === head.version) return { type: 'changes', version: head.version, changes: [] }
    const past = await this.#past(session, since, head)
    const needed: Resolved | undefined = needsRows(past, this.#options.rereads)
    if (!needed) return replay(past)
    return needed.resolve(since, head.version, await this.#options.rows.find(session, needed.keys))
  }

  async #past(session: SqlSession, since: Version, head: VersionParts): Promise<Past> {
    const from = parseVersion(since)
    const known = from !== undefined && from.epoch === head.epoch && from.number < head.number
    const rows = known ? await this.#run(session, SQL.changesAfter, this.#options.key, from.number) : []
    return interpret(since, head, rows)
  }

  async #lock(session: ModelSession): Promise<Head | undefined> {
    const { dialect, key, timeout } = this.#options
    const statements = [...dialect.bound(timeout), ...dialect.lockHead(SQL.head, key, timeout)]
    return this.#toHead(await this.#told(() => runAll(session, dialect, statements)))
  }

  async #head(session: SqlSession): Promise<Head | undefined> {
    return this.#toHead(await this.#run(session, SQL.head, this.#options.key))
  }

  async #found(session: SqlSession): Promise<Head> {
    const { dialect, key } = this.#options
    await this.#run(session, dialect.ignoringDuplicates(SQL.createHead), key, FORMAT, newEpoch(), newNonce())
    return (await this.#head(session)) as Head
  }

  async #foundAndLock(session: ModelSession): Promise<Head> {
    await this.#found(session)
    return (await this.#lock(session)) as Head
  }

  #toHead([row]: readonly SqlRow[]): Head | undefined {
    if (!row) return undefined
    checkFormat(row, FORMAT, this.#options.dictionary)
    const parts = { number: Number(row.number), epoch: String(row.epoch), nonce: String(row.nonce) }
    const version = toVersion(parts.number, parts.epoch, parts.nonce)
    return { ...parts, bytes: Number(row.bytes), bound: Number(row.bound), version }
  }

  #run(session: SqlSession, sql: string, ...parameters: Statement['parameters']): Promise<readonly SqlRow[]> {
    return this.#told(() => run(session, this.#options.dialect, { sql, parameters }))
  }

  async #told<V>(work: () => Promise<V>): Promise<V> {
    try {
      return await work()
    } catch (error) {
      throw isMissingTable(error) ? noVersionTables(error, this.#options.dictionary) : error
    }
  }
}

/** A transaction that holds the lock of the head. */
class DatabaseWriting implements Writing {
  readonly version: Version
  readonly bound: number
  /** The state that it has moved to. */
  next: (VersionParts & { readonly version: Version }) | undefined
  readonly #head: Head
  readonly #past: Past | undefined
  readonly #options: DatabaseVersionsOptions
  readonly #session: ModelSession
  readonly #catchUp: (since: Version, head: VersionParts & { readonly version: Version }) => Promise<CatchUp<Stored>>

  constructor(
    head: Head,
    past: Past | undefined,
    options: DatabaseVersionsOptions,
    catchUp: (since: Version, head: VersionParts & { readonly version: Version }) => Promise<CatchUp<Stored>>,
    session: ModelSession,
  ) {
    this.version = head.version
    this.bound = head.bound
    this.#head = head
    this.#past = past
    this.#options = options
    this.#catchUp = catchUp
    this.#session = session
  }

  touchedSince(since: Version, key: string): boolean {
    if (since === this.version) return false
    return this.#past === undefined || touched(this.#past, since, key)
  }

  async advance(effects: readonly Effect<Stored>[] | undefined, id: string): Promise<Version> {
    const { key, dialect } = this.#options
    const { epoch, nonce: previous } = this.#head
    const [number, nonce] = [this.#head.number + 1, newNonce()]
    const text = effects === undefined ? null : serialize(effects)
    const bytes = this.#head.bytes + (text === null ? 0 : text.length)
    this.next = { number, epoch, nonce, version: toVersion(number, epoch, nonce) }
    const insert = dialect.replacing(SQL.insertChange, CHANGE_KEY, CHANGE_COLUMNS)
    await this.#run(insert, key, number, nonce, previous, id, text, bytes)
    await this.#moveHead(number, nonce, bytes)
    if (number % TRIM_EVERY === 0) await this.#run(SQL.trim, key, number - LOG_COMMITS, bytes - LOG_BYTES)
    return this.next.version
  }

  async catchUp(since: Version, change: Change<Stored> | undefined): Promise<CatchUp<Stored>> {
    // Mostly the caller is up to date, and what it lacks is at hand.
    if (change && since === this.version) return { type: 'changes', version: change.version, changes: [change] }
    return this.#catchUp(since, this.next ?? this.#head)
  }

  async #moveHead(number: number, nonce: string, bytes: number): Promise<void> {
    const { dialect, key } = this.#options
    const { notifying } = dialect
    const sql = notifying ? `${SQL.moveHead} ${notifying.sql}` : SQL.moveHead
    await this.#run(sql, number, nonce, bytes, key, ...(notifying?.parameters(channelOf(key)) ?? []))
  }

  #run(sql: string, ...parameters: Statement['parameters']): Promise<readonly SqlRow[]> {
    return run(this.#session, this.#options.dialect, { sql, parameters })
  }
}

/** The earliest version that a condition looks back to. */
function earliest(groups: readonly Group<unknown>[]): Version | undefined {
  let first: { readonly since: Version; readonly number: number } | undefined
  for (const { conditions } of groups) {
    for (const one of conditions) {
      if (one.type !== 'unchanged') continue
      const number = parseVersion(one.since)?.number ?? Number.POSITIVE_INFINITY
      if (!first || number < first.number) first = { since: one.since, number }
    }
  }
  return first?.since
}
