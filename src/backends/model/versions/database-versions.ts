import type { CatchUp, Group, Version } from '../../../contract/backend.js'
import { StoreUnavailableError } from '../../../errors/errors.js'
import { checkSession, type SessionFacts, sessionColumns } from '../../sql/connection-settings.js'
import { type Dialect, run, runAll, type Statement } from '../../sql/dialect.js'
import { checkedColumns } from '../../sql/replies.js'
import type { SqlRow, SqlSession } from '../../sql/sql-session.js'
import { newEpoch, newNonce, parseVersion, type VersionParts } from '../../sql/version.js'
import { withVersionTables } from '../faults.js'
import type { ModelManager, ModelSession } from '../managers/manager.js'
import type { Rows } from '../table/rows.js'
import type { Stored } from '../table/stored.js'
import { interpret, type Past } from './change-log.js'
import { DatabaseWriting } from './database-writing.js'
import { type FoundHead, type Head, readHead } from './head.js'
import { needsRows, type Resolved, replay } from './resolving.js'
import { FORMAT, fromTables, SQL } from './tables.js'
import type { Versions, Writing } from './versions.js'

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

const LOG_COLUMNS = ['number', 'nonce', 'previous', 'batch', 'effects']

/** The version of a dictionary that has no history, or none that can be read, for those who may not found one. */
const UNFOUNDED = 'unfounded'

const DAMAGED_HEAD = 'the head of the history in the table durabledict_model_versions'

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
  readonly #headSql: string
  #onlyReads = false

  constructor(options: DatabaseVersionsOptions) {
    this.#options = options
    this.#headSql = SQL.head(options.dialect, sessionColumns(options.dialect))
  }

  restrictToReads(): void {
    this.#onlyReads = true
  }

  async current(): Promise<Version> {
    const { manager, timeout } = this.#options
    const head = await this.#head(manager)
    if (typeof head === 'object') return head.version
    if (this.#onlyReads) return UNFOUNDED
    if (head === 'missing') {
      await this.#found(manager)
      const founded = await this.#head(manager)
      if (typeof founded === 'object') return founded.version
    }
    return (await manager.transaction(session => this.#lockOrFound(session), { limit: timeout })).head.version
  }

  async changesSince(since: Version): Promise<CatchUp<Stored>> {
    const { manager } = this.#options
    const head = await this.#head(manager)
    if (typeof head !== 'object') return this.#withoutHead(since, head)
    if (head.version === since) return { type: 'changes', version: head.version, changes: [] }
    if (since === UNFOUNDED) return { type: 'tooOld', diverged: false }
    const past = await this.#past(manager, since, head)
    if (!needsRows(past, this.#options.rereads)) return replay(past)
    return manager.transaction(session => this.#resolved(session, since), {
      ...this.loadIsolation,
      limit: READING_LIMIT,
    })
  }

  async loading(session: ModelSession): Promise<Version> {
    const head = await this.#head(session)
    if (typeof head === 'object') return head.version
    if (this.#onlyReads) return UNFOUNDED
    throw new Error(`The version of dictionary "${this.#options.dictionary}" was removed while it was being loaded.`)
  }

  async writing(session: ModelSession, groups: readonly Group<unknown>[]): Promise<Writing> {
    const { head, largest, connection } = await this.#lockOrFound(session)
    const { dialect, dictionary, key } = this.#options
    const since = earliest(groups)
    const past = since === undefined ? undefined : await this.#past(session, since, head)
    const catchUp = (from: Version, present: VersionParts & { readonly version: Version }) =>
      this.#catchUp(session, from, present)
    return new DatabaseWriting({ session, head, past, largest, connection, dialect, dictionary, key, catchUp })
  }

  async registerMaxStaleness(ms: number): Promise<void> {
    const { manager, key } = this.#options
    await this.current()
    await this.#run(manager, SQL.raiseBound, ms, key, ms)
  }

  /**
   * Once the lock is had, the transaction in question has ended. Its commit is found by its nonce. Of a head that is not there, or
   * another one, nothing is known: then there was no lock to wait for.
   */
  async outcome(writing: Writing): Promise<boolean | undefined> {
    const { manager, dialect, timeout, key } = this.#options
    const { next } = writing as DatabaseWriting
    if (!next) return false
    return manager.transaction(
      async session => {
        const { head } = await this.#lock(session)
        if (typeof head !== 'object' || head.epoch !== next.epoch) return undefined
        if (head.number < next.number) return false
        const [row] = await this.#run(session, SQL.change(dialect), key, next.number)
        return row && row.nonce === next.nonce
      },
      { limit: timeout },
    )
  }

  /** The changes since in place of rows that are as old as they: what is read belongs to one state. */
  async #resolved(session: ModelSession, since: Version): Promise<CatchUp<Stored>> {
    const head = await this.#head(session)
    return typeof head === 'object' ? this.#catchUp(session, since, head) : this.#withoutHead(since, head)
  }

  /** A dictionary that may write founds the history when it loads; others keep what they loaded. */
  #withoutHead(since: Version, head: Exclude<FoundHead, Head>): CatchUp<Stored> {
    if (since === UNFOUNDED) return { type: 'changes', version: UNFOUNDED, changes: [] }
    const damage = head === 'malformed' ? { damage: DAMAGED_HEAD } : {}
    return { type: 'tooOld', diverged: true, ...damage }
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
    const { key, manager, dialect } = this.#options
    const rows = known ? await this.#run(session, SQL.changesAfter(dialect), key, from.number) : []
    return interpret(since, head, fromTables(dialect, checkedColumns<SqlRow>(manager.library, LOG_COLUMNS, rows)))
  }

  async #lock(session: ModelSession): Promise<{ readonly head: FoundHead } & SessionFacts> {
    const { dialect, key, timeout, dictionary, manager } = this.#options
    const rows = await withVersionTables(dictionary, () =>
      runAll(session, dialect, dialect.lockHead(this.#headSql, key, timeout)),
    )
    const head = readHead(manager.library, rows, dictionary)
    return { head, ...(rows[0] ? checkSession(manager.library, rows[0], dialect, dictionary) : { largest: 0 }) }
  }

  async #head(session: SqlSession): Promise<FoundHead> {
    const { dialect, key, dictionary, manager } = this.#options
    const rows = await this.#run(session, this.#headSql, key)
    const head = readHead(manager.library, rows, dictionary)
    if (rows[0]) checkSession(manager.library, rows[0], dialect, dictionary)
    return head
  }

  async #found(session: SqlSession): Promise<void> {
    const { dialect, key } = this.#options
    await this.#run(session, dialect.ignoringDuplicates(SQL.createHead), key, FORMAT, newEpoch(), newNonce())
  }

  /** The head, under its lock. Founded if it is missing, and again if it is none: nothing could be written after it. */
  async #lockOrFound(session: ModelSession): Promise<{ readonly head: Head } & SessionFacts> {
    const { key, dictionary } = this.#options
    for (const attempt of ['first', 'founded', 'renewed']) {
      const { head, ...facts } = await this.#lock(session)
      if (typeof head === 'object') return { head, ...facts }
      if (attempt === 'renewed') break
      if (head === 'missing') await this.#found(session)
      else await this.#run(session, SQL.renewHead, FORMAT, newEpoch(), newNonce(), key)
    }
    throw new StoreUnavailableError(
      `The history of dictionary "${dictionary}" could not be founded: the table durabledict_model_versions does not keep what is ` +
        'written to it. Look for a trigger or a policy on that table.',
      { dictionary },
    )
  }

  #run(session: SqlSession, sql: string, ...parameters: Statement['parameters']): Promise<readonly SqlRow[]> {
    const { dialect, dictionary } = this.#options
    return withVersionTables(dictionary, () => run(session, dialect, { sql, parameters }))
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
