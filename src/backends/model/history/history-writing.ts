import { DEFAULT_POLICY, type HistoryLimits, type HistoryPolicy } from '../../../contract/history.js'
import { type IndexedCommit, isTrimDue, type Retention, retain } from '../../../contract/retention.js'
import { type Dialect, run, type Statement } from '../../sql/dialect.js'
import { escapeText, unescapeText } from '../../sql/escape.js'
import { notesWithoutAuthor } from '../../sql/log/notes.js'
import type { SqlSession } from '../../sql/sql-session.js'
import { toCount } from '../../sql/stored-tokens.js'
import { fromTables } from '../versions/tables.js'
import { insertsOf, rowsOfCommit } from './commit-inserts.js'
import type { GroupCommit, Recorded } from './commit-rows.js'
import { type FoundRecord, type HistoryRecord, recordText } from './record.js'
import { HISTORY_SQL } from './tables.js'

/** The most rows that one statement deletes. */
const ROWS = 500

/** How many of the oldest commits are looked at for their age at a time. */
const OLDEST = 1_000

/** What a transaction that holds the lock of the head knows of the history. */
export interface HistoryWritingOptions {
  readonly session: SqlSession
  readonly dialect: Dialect
  /** Identifies the dictionary in the tables. */
  readonly key: string
  readonly found: FoundRecord
  /** By the database's clock, in milliseconds since 1970. */
  readonly at: number
  /** The maximum size of a statement, in bytes. */
  readonly largest: number
}

/** What remains to be written with the change itself. */
export interface HistoryStep {
  readonly statements: readonly Statement[]
  readonly record: HistoryRecord
  /** New values of columns of the head. */
  readonly head: Readonly<Record<string, string | null>>
}

type Row = Statement['parameters']

/** The history of a dictionary, in a transaction that holds the lock of its head. */
export class HistoryWriting {
  readonly #options: HistoryWritingOptions

  constructor(options: HistoryWritingOptions) {
    this.#options = options
  }

  /** The record as it was found. */
  get found(): FoundRecord {
    return this.#options.found
  }

  /** Whether commits are recorded. */
  get isKept(): boolean {
    return this.#options.found.record.policy !== false
  }

  /** Writes commits, all but the last statement, which can be sent together with the change that they belong to. */
  async add(
    commits: readonly GroupCommit<Recorded>[],
    { number, nonce }: { readonly number: number; readonly nonce: string },
  ): Promise<HistoryStep> {
    const { found, at, key, dialect, largest } = this.#options
    const first = found.record.position + 1
    const rows = commits.flatMap((commit, index) =>
      rowsOfCommit(commit, { key, position: first + index, number, nonce }, dialect, at, largest),
    )
    const record = { ...found.record, nonce, position: found.record.position + commits.length }
    const limits = record.policy || DEFAULT_POLICY
    if (found.isNew) await this.#run(HISTORY_SQL.deleteAll, key)
    const statements = insertsOf(rows, dialect, largest)
    const isDue = commits.some((_, index) => {
      const position = first + index
      return isTrimDue(limits, position - record.gone, position)
    })
    const dropped = found.isNew ? { dropped: null } : {}
    if (!isDue) {
      await this.#runAll(statements.slice(0, -1))
      return { statements: statements.slice(-1), record, head: { history: recordText(record), ...dropped } }
    }
    await this.#runAll(statements)
    const trimmed = await this.#trim(record, limits, at, !found.isNew)
    const kept = trimmed.dropped === undefined ? dropped : { dropped: trimmed.dropped }
    return { statements: [], record: trimmed.record, head: { history: recordText(trimmed.record), ...kept } }
  }

  /** Records a policy, and applies it. */
  async setPolicy(policy: HistoryPolicy): Promise<void> {
    const { found, key, at } = this.#options
    const record = { ...found.record, policy }
    if (found.isNew || policy === false) await this.#run(HISTORY_SQL.deleteAll, key)
    if (policy === false) {
      const { position } = record
      await this.#run(HISTORY_SQL.setRecord, recordText({ ...record, floor: position, gone: position }), null, key)
      return
    }
    const trimmed = await this.#trim(record, policy, at, !found.isNew, true)
    await this.#run(HISTORY_SQL.setRecord, recordText(trimmed.record), trimmed.dropped ?? null, key)
  }

  /** Removes an author, and returns from how many commits. */
  async forgetAuthor(by: string): Promise<number> {
    const { key, found } = this.#options
    await this.#forgetInLog(by)
    if (found.isNew) return 0
    const author = this.#escaped(by)
    const [row] = await this.#run(HISTORY_SQL.countAuthor, key, author)
    await this.#run(HISTORY_SQL.forgetAuthor, key, author)
    return toCount(row?.found) ?? 0
  }

  async #forgetInLog(by: string): Promise<void> {
    const { key, dialect } = this.#options
    for (const { number, notes } of fromTables(dialect, await this.#run(HISTORY_SQL.notes(dialect), key))) {
      const after = notesWithoutAuthor(notes, by)
      if (after !== undefined) await this.#run(HISTORY_SQL.setNotes, after, key, number as number)
    }
  }

  /**
   * Drops what the policy does not keep. All commits are looked at only if there are too many, otherwise the oldest for their age, so
   * that the cost for each commit is bounded.
   */
  async #trim(
    record: HistoryRecord,
    limits: HistoryLimits,
    at: number,
    hasDropped: boolean,
    everything = false,
  ): Promise<{ readonly record: HistoryRecord; readonly dropped?: string | null }> {
    const { dialect, key } = this.#options
    const { position, floor, gone } = record
    const isWhole = everything || position - gone > limits.keep
    const index = await this.#index(floor, isWhole ? undefined : OLDEST)
    const kept = isWhole ? limits : { ...limits, keep: Number.POSITIVE_INFINITY }
    const retention = retain(index, kept, at, floor)
    await this.#drop(retention)
    const still = index.length - retention.positions.length
    const next = {
      ...record,
      floor: retention.floor,
      gone: isWhole ? position - still : gone + retention.positions.length,
    }
    if (retention.positions.length === 0 && !everything) return { record: next }
    const [row] = hasDropped ? fromTables(dialect, await this.#run(HISTORY_SQL.dropped(dialect), key)) : []
    return { record: next, dropped: mergedDropped(row?.dropped, retention) }
  }

  async #index(floor: number, limit: number | undefined): Promise<IndexedCommit[]> {
    const { dialect, key } = this.#options
    const rows = fromTables(dialect, await this.#run(HISTORY_SQL.index(dialect, limit), key, floor))
    return rows.map(({ position, at, entry_key }) => ({
      position: toCount(position) ?? 0,
      at: toCount(at) ?? 0,
      key: typeof entry_key === 'string' ? unescapeText(entry_key) : undefined,
    }))
  }

  async #drop({ positions, floor }: Retention): Promise<void> {
    const { key } = this.#options
    if (positions.length === 0) return
    await this.#run(HISTORY_SQL.deleteUpTo, key, floor)
    const others = positions.filter(position => position > floor)
    for (let start = 0; start < others.length; start += ROWS) {
      const some = others.slice(start, start + ROWS)
      await this.#run(HISTORY_SQL.deleteSome(some.length), key, ...some)
    }
  }

  /** Text that every database compares as it is, also with blanks at its end. */
  #escaped(text: string): string {
    return escapeText(text, this.#options.dialect.unsafeInKeys)
  }

  async #runAll(statements: readonly Statement[]): Promise<void> {
    for (const { sql, parameters } of statements) await this.#run(sql, ...parameters)
  }

  #run(sql: string, ...parameters: Row) {
    const { session, dialect } = this.#options
    return run(session, dialect, { sql, parameters })
  }
}

/** The dropped commits by key, as JSON: those before and those of now, without what the floor covers. */
function mergedDropped(text: unknown, { dropped, floor }: Retention): string | null {
  const all = new Map(readDropped(text))
  for (const [key, position] of dropped) all.set(key, position)
  const left = [...all].filter(([, position]) => position > floor)
  return left.length === 0 ? null : JSON.stringify(left)
}

/** Reads what {@link mergedDropped} has written. Anything else is left out. */
export function readDropped(text: unknown): [key: string, position: number][] {
  if (typeof text !== 'string') return []
  try {
    const list: unknown = JSON.parse(text)
    return Array.isArray(list) ? list.filter(isPair) : []
  } catch {
    return []
  }
}

function isPair(pair: unknown): pair is [string, number] {
  return Array.isArray(pair) && typeof pair[0] === 'string' && Number.isSafeInteger(pair[1])
}
