import type { CatchUp, Group, Version } from '../../../contract/backend.js'
import {
  type HistoryPage,
  type HistoryPolicy,
  type HistoryQuery,
  keyChange,
  type StoredCommit,
} from '../../../contract/history.js'
import { StoreUnavailableError } from '../../../errors/errors.js'
import { checkSession, type SessionFacts, sessionColumns } from '../../sql/connection-settings.js'
import { type Dialect, run, runAll, type Statement } from '../../sql/dialect.js'
import { interpret, type Past } from '../../sql/log/change-log.js'
import { checkedColumns } from '../../sql/replies.js'
import type { SqlRow, SqlSession } from '../../sql/sql-session.js'
import { toCount } from '../../sql/stored-tokens.js'
import { newEpoch, newNonce, parseVersion, type VersionParts } from '../../sql/version.js'
import { laterHistory, noHistoryTables, withVersionTables } from '../faults.js'
import type { Recorded } from '../history/commit-rows.js'
import { readHistory } from '../history/history-reading.js'
import { HistoryWriting } from '../history/history-writing.js'
import { readRecord } from '../history/record.js'
import { recordColumn } from '../history/tables.js'
import type { ModelManager, ModelSession } from '../managers/manager.js'
import type { ColumnMapper } from '../table/column-mapper.js'
import type { Rows } from '../table/rows.js'
import type { Stored } from '../table/stored.js'
import { DatabaseWriting } from './database-writing.js'
import { withFoundValues } from './found-values.js'
import { type FoundHead, type Head, readHead } from './head.js'
import { needsRows, type Resolved, replay } from './resolving.js'
import { CHANGES } from './table-names.js'
import { FORMAT, fromTables, SQL } from './tables.js'
import type { KnownHead, PastCommits, Versions, Writing } from './versions.js'

export interface DatabaseVersionsOptions {
  readonly manager: ModelManager
  readonly dialect: Dialect
  readonly rows: Rows
  readonly mapper: ColumnMapper
  /** Whether the tables have room for a history: those of an earlier release do not. */
  readonly hasHistory: boolean
  /** Whether the table has triggers that recognize the library's own transactions by a row of the log. */
  readonly hasTriggers: boolean
  /** The dictionary's name, for errors. */
  readonly dictionary: string
  /** What tells its version from others of the database. */
  readonly key: string
  /** The most that a call may take, in ms. */
  readonly timeout: number
}

/** The head under its lock. */
interface LockedHead extends SessionFacts {
  readonly head: Head
  readonly history: HistoryWriting | undefined
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
export class DatabaseVersions implements Versions, PastCommits {
  readonly recordsBounds = true
  readonly loadIsolation = { isolation: 'snapshot' } as const
  readonly #options: DatabaseVersionsOptions
  readonly #headSql: string
  readonly #lockedSql: string
  #onlyReads = false

  constructor(options: DatabaseVersionsOptions) {
    this.#options = options
    const { dialect, hasHistory } = options
    const session = sessionColumns(dialect)
    const history = hasHistory ? `${recordColumn(dialect)}, ${dialect.clock} AS at` : ''
    this.#headSql = SQL.head(dialect, session)
    this.#lockedSql = SQL.head(dialect, session + history)
  }

  get history(): PastCommits {
    return this
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
    if (!needsRows(past, this.#options.mapper.rereads)) return replay(past)
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
    const { head, largest, connection, history } = await this.#lockOrFound(session)
    const { dialect, dictionary, key, mapper, hasHistory, hasTriggers } = this.#options
    const since = earliest(groups)
    const past = since === undefined ? undefined : await this.#past(session, since, head)
    const catchUp = (from: Version, present: VersionParts & { readonly version: Version }) =>
      this.#catchUp(session, from, present)
    const recorded = (stored: Stored) => mapper.toRecorded(stored)
    const locked = { session, head, past, largest, connection, dialect, dictionary, key, catchUp }
    return new DatabaseWriting({ ...locked, history, hasHistory, hasTriggers, recorded })
  }

  async page(query: HistoryQuery): Promise<HistoryPage<Stored>> {
    const { manager: session, dialect, dictionary, key, mapper } = this.#historyOptions()
    const page = await withVersionTables(dictionary, () => readHistory({ session, dialect, dictionary, key }, query))
    return { ...page, commits: page.commits.map(commit => withStored(commit, mapper)) }
  }

  async setPolicy(policy: HistoryPolicy): Promise<void> {
    // Tables of an earlier release keep none.
    if (policy === false && !this.#options.hasHistory) return
    await this.#inHistory(history => history.setPolicy(policy))
  }

  async forgetAuthor(by: string): Promise<number> {
    return this.#inHistory(history => history.forgetAuthor(by))
  }

  #inHistory<V>(work: (history: HistoryWriting) => Promise<V>): Promise<V> {
    const { dictionary } = this.#historyOptions()
    return this.#locking(async (_, { history }) => {
      if (!history) throw laterHistory(dictionary)
      return work(history)
    })
  }

  /** Runs work in a transaction that holds the lock of the head. */
  locking<V>(work: (session: ModelSession, head: Head) => Promise<V>): Promise<V> {
    return this.#locking((session, { head }) => work(session, head))
  }

  #locking<V>(work: (session: ModelSession, locked: LockedHead) => Promise<V>): Promise<V> {
    const { manager, timeout, dictionary } = this.#options
    return manager.transaction(
      async session => {
        const locked = await this.#lockOrFound(session)
        return withVersionTables(dictionary, () => work(session, locked))
      },
      { limit: timeout },
    )
  }

  /** @throws UnsupportedError if the tables are those of an earlier release. */
  #historyOptions(): DatabaseVersionsOptions {
    if (this.#options.hasHistory) return this.#options
    throw noHistoryTables(this.#options.dictionary)
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
  async outcome({ head: next }: KnownHead): Promise<boolean | undefined> {
    const { manager, dialect, timeout, key } = this.#options
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
    const needed: Resolved | undefined = needsRows(past, this.#options.mapper.rereads)
    if (!needed) return replay(past)
    return needed.resolve(since, head.version, await this.#options.rows.find(session, needed.keys))
  }

  async #past(session: SqlSession, since: Version, head: VersionParts): Promise<Past> {
    const from = parseVersion(since)
    const known = from !== undefined && from.epoch === head.epoch && from.number < head.number
    const { key, manager, dialect, hasHistory, mapper } = this.#options
    const rows = known ? await this.#run(session, SQL.changesAfter(dialect, hasHistory), key, from.number) : []
    const past = interpret(
      since,
      head,
      CHANGES,
      fromTables(dialect, checkedColumns<SqlRow>(manager.library, LOG_COLUMNS, rows)),
    )
    return withFoundValues(past, column => mapper.fromColumn(column))
  }

  async #lock(session: ModelSession): Promise<{ readonly head: FoundHead; readonly row: SqlRow } & SessionFacts> {
    const { dialect, key, timeout, dictionary, manager } = this.#options
    const rows = await withVersionTables(dictionary, () =>
      runAll(session, dialect, dialect.lockHead(this.#lockedSql, key, timeout)),
    )
    const head = readHead(manager.library, rows, dictionary)
    const [row] = rows
    const facts = row ? checkSession(manager.library, row, dialect, dictionary) : { largest: 0 }
    return { head, row: row ?? {}, ...facts }
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
  async #lockOrFound(session: ModelSession): Promise<LockedHead> {
    const { key, dictionary } = this.#options
    for (const attempt of ['first', 'founded', 'renewed']) {
      const { head, row, ...facts } = await this.#lock(session)
      if (typeof head === 'object')
        return { head, ...facts, history: this.#historyOf(session, head, row, facts.largest) }
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

  /** Missing if there is no room for it, or a later release has written it. */
  #historyOf(session: ModelSession, head: Head, row: SqlRow, largest: number): HistoryWriting | undefined {
    const { dialect, key, hasHistory } = this.#options
    const [read] = hasHistory ? fromTables(dialect, [row]) : []
    const found = read && readRecord(read.history, head)
    if (!read || !found || found === 'later') return undefined
    return new HistoryWriting({ session, dialect, key, found, at: toCount(read.at) ?? Date.now(), largest })
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

/** The commit with stored forms of this dictionary for what the value column held. */
function withStored({ changes, ...rest }: StoredCommit<Recorded>, mapper: ColumnMapper): StoredCommit<Stored> {
  const recordedOf = (found: Recorded) => (rest.via === 'sql' ? mapper.fromColumn(found) : found)
  const side = (key: string, found: Recorded | undefined) =>
    found === undefined ? undefined : mapper.fromRecorded(key, recordedOf(found))
  return {
    ...rest,
    changes: changes.map(({ key, before, after }) => keyChange(key, side(key, before), side(key, after))),
  }
}
