import { DamagedValue } from '../../../contract/damaged-value.js'
import { sameStored } from '../../../contract/same-stored.js'
import type { Dialect, Statement, Table } from '../../sql/dialect.js'
import { escapeText, unescapeKey } from '../../sql/escape.js'
import type { RunInContext } from '../../sql/own-context.js'
import { unexpected } from '../../sql/replies.js'
import { sizeInStatement, statementWith } from '../../sql/statement-size.js'
import type { Columns, CompiledWrites, ModelManager, ModelSession, RowWrite } from '../managers/manager.js'
import type { ColumnMapper } from './column-mapper.js'
import { DamagedRow, readRows } from './row-reading.js'
import type { Stored } from './stored.js'
import { StoredRow } from './stored.js'
import { type Looked, readableKeys, unreadableRows } from './unreadable-rows.js'
import { emptyAllUnreadable, emptyUnreadable } from './unreadable-writes.js'
import { checkWritten } from './written.js'

/** The maximum number of keys in a statement, and of rows in a reply. */
const KEYS_PER_STATEMENT = 1_000
const ROWS_PER_PAGE = 5_000

/** The reason why a row with malformed text cannot be read. */
const NO_TEXT = 'A text column of the row holds bytes that are not valid UTF-8.'

/** What rows are to become. */
export interface RowChanges {
  /** All rows are removed first. */
  readonly clear: boolean
  readonly create: ReadonlyMap<string, Stored>
  readonly update: ReadonlyMap<string, Stored>
  readonly remove: readonly string[]
}

/** The write of one row as a statement, and the value column in the form of the database. */
export interface CompiledRow {
  readonly write: { readonly sql: string; readonly parameters: readonly unknown[] }
  readonly key: string
  readonly before: string | undefined
  readonly after: string
}

export interface RowsOptions {
  readonly manager: ModelManager
  readonly dialect: Dialect
  /** The dictionary's name, for errors. */
  readonly dictionary: string
  readonly table: Table
  /** The model's name of the key column, and the database's. */
  readonly keyCol: string
  readonly keyColumn: string
  /** What the database calls the columns of the table. */
  readonly columns: ReadonlySet<string>
  readonly mapper: ColumnMapper
  /** Whether `fill` adds any columns. */
  readonly isFilled: boolean
  /** Further columns of a row that is inserted, by a function of the application's that runs in its caller's context. */
  fill(key: string, stored: Stored, caller: RunInContext): Columns
}

/** The model's rows, as the entries of a dictionary. */
export class Rows {
  readonly #options: RowsOptions
  readonly #looked: Looked

  constructor(options: RowsOptions) {
    const { manager, dialect, table, keyColumn, mapper } = options
    const columns = mapper.columns?.map(name => manager.column(name) ?? name) ?? [...options.columns]
    this.#options = options
    this.#looked = { dialect, table, keyColumn, columns }
  }

  /** What is stored under these keys; those that are missing are left out. */
  async find(session: ModelSession, keys: Iterable<string>): Promise<Map<string, Stored>> {
    const entries = new Map<string, Stored>()
    for (const some of chunks([...keys], KEYS_PER_STATEMENT)) {
      const escaped = some.map(key => this.#escaped(key))
      const { keys: unreadable } = await unreadableRows(session, this.#looked, escaped)
      this.#collect(await this.#readSome(session, escaped, unreadable), entries)
    }
    return entries
  }

  /** Everything stored, page by page. `progress` is called after each. */
  async all(session: ModelSession, progress: () => void): Promise<Map<string, Stored>> {
    const { keyCol } = this.#options
    const entries = new Map<string, Stored>()
    const { keys: unreadable, foreign } = await unreadableRows(session, this.#looked)
    if (foreign.length > 0 || unreadable.size > 0) {
      for (const keys of chunks(await readableKeys(session, this.#looked), KEYS_PER_STATEMENT)) {
        this.#collect(await this.#readSome(session, keys, unreadable), entries)
        progress()
      }
      return entries
    }
    let behind: { readonly after?: string } = {}
    for (let limit = ROWS_PER_PAGE; ; ) {
      const page = await readRows(session, { ...this.#columns(), keyCol, ...behind, limit })
      progress()
      const last = this.#collect(page, entries)
      if (page.length < limit) return entries
      // Rows without a key come first in some databases, and cannot be begun behind: as many as it takes are read.
      if (last === undefined) limit *= 2
      else behind = { after: last }
    }
  }

  /** The rows of these keys; of those that are unreadable only their keys. */
  async #readSome(
    session: ModelSession,
    keys: readonly string[],
    unreadable: ReadonlyMap<string, unknown>,
  ): Promise<readonly (object | DamagedRow)[]> {
    const { keyCol } = this.#options
    const [good, bad] = [keys.filter(key => !unreadable.has(key)), keys.filter(key => unreadable.has(key))]
    const rows = good.length > 0 ? await readRows(session, { ...this.#columns(), keyCol, keys: good }) : []
    if (bad.length === 0) return rows
    const damaged = await readRows(session, { keyCol, columns: [keyCol], keys: bad })
    return [...rows, ...damaged.map(row => new DamagedRow((row as Columns)[keyCol], NO_TEXT))]
  }

  async any(session: ModelSession): Promise<boolean> {
    const { keyCol } = this.#options
    if ((await unreadableRows(session, this.#looked)).foreign.length > 0) return true
    return (await readRows(session, { keyCol, columns: [keyCol], limit: 1 })).length > 0
  }

  /**
   * Writes, and reads what was written: triggers, hooks, types and modes of the session may have made something else of it.
   *
   * @param largest - the most that a statement can take, in bytes.
   * @param callerOf - the context of the call that wrote a key.
   * @returns what is stored now under the keys that were set.
   * @throws InvalidValueError if it differs from the written value.
   */
  async write(
    session: ModelSession,
    changes: RowChanges,
    largest: number,
    callerOf: (key: string) => RunInContext,
  ): Promise<ReadonlyMap<string, Stored>> {
    const { keyCol, mapper, dictionary } = this.#options
    const { clear, create, update, remove } = changes
    if (this.#options.manager.readsWhatItChanges) await this.#makeReadable(session, changes)
    if (clear) await session.removeAll()
    const isCleared = !clear || !(await this.any(session))
    for (const keys of chunks(remove, KEYS_PER_STATEMENT)) {
      await session.remove(
        keyCol,
        keys.map(key => this.#escaped(key)),
      )
    }
    for (const [key, stored] of update) await session.update(keyCol, this.#escaped(key), this.#written(key, stored))
    for (const entries of this.#statements([...create], largest)) {
      await session.create(
        entries.map(([key, stored]) => this.#inserted(key, stored, callerOf(key))),
        keyCol,
      )
    }
    const set = new Map([...create, ...update])
    const found = await this.find(session, [...set.keys(), ...remove])
    checkWritten({ set, remove, found, isCleared, mapper, dictionary })
    return mapper.rereads ? completed(set, found) : found
  }

  /** For libraries that read the rows which they change or remove. */
  async #makeReadable(session: ModelSession, { clear, update, remove }: RowChanges): Promise<void> {
    const { manager, columns } = this.#options
    const looked = { ...this.#looked, columns: [...columns] }
    if (clear) await emptyAllUnreadable(session, looked)
    for (const keys of chunks(remove, KEYS_PER_STATEMENT)) {
      const escaped = keys.map(key => this.#escaped(key))
      await emptyUnreadable(session, looked, escaped)
    }
    for (const [key, stored] of update) {
      const overwritten = Object.keys(this.#written(key, stored)).map(name => manager.column(name) ?? name)
      await emptyUnreadable(session, looked, [this.#escaped(key)], overwritten)
    }
  }

  /**
   * The statement that writes one row, and what the value column holds before and after; `undefined` if the library cannot say so, or
   * the row needs more than its key and value.
   */
  compiled(key: string, after: Stored, before: Stored | undefined): CompiledRow | undefined {
    const { manager, keyCol, mapper, isFilled } = this.#options
    if (!manager.writes || (isFilled && before === undefined)) return undefined
    const escaped = this.#escaped(key)
    const columns = this.#written(key, after)
    const write =
      before === undefined ? { create: { ...columns, [keyCol]: escaped } } : { update: columns, keyCol, key: escaped }
    const statement = compiledBy(manager.writes, write)
    if (!statement || !isPlainWrite(statement.sql)) return undefined
    const column = (stored: Stored) => Object.values(mapper.columnsOf(key, stored))[0] as string
    return {
      write: statement,
      key: escaped,
      before: before === undefined ? undefined : column(before),
      after: column(after),
    }
  }

  /** The statements that wait for transactions which have changed the rows of these keys, or any, and not ended. */
  lock(keys: readonly string[], ms: number): readonly Statement[] {
    const { dialect, table, keyColumn } = this.#options
    const escaped = keys.length > KEYS_PER_STATEMENT ? [] : keys.map(key => this.#escaped(key))
    return dialect.lockRows?.(table, keyColumn, escaped, Math.max(1, Math.floor(ms))) ?? []
  }

  /** The statements that wait for transactions which have locked the rows of these keys, before the head is locked. */
  await(keys: readonly string[], ms: number): readonly Statement[] {
    const { dialect, table, keyColumn } = this.#options
    if (keys.length === 0 || keys.length > KEYS_PER_STATEMENT) return []
    const escaped = keys.map(key => this.#escaped(key))
    return dialect.awaitRows?.(table, keyColumn, escaped, Math.max(1, Math.floor(ms))) ?? []
  }

  /** How many bytes a statement takes that writes this. */
  sizeOf(key: string, stored: Stored): number {
    const columns = Object.values(this.#written(key, stored))
    return statementWith(columns.reduce((size: number, value) => size + sizeInStatement(value), Buffer.byteLength(key)))
  }

  #inserted(key: string, stored: Stored, caller: RunInContext): Columns {
    const { keyCol, fill } = this.#options
    return { ...fill(key, stored, caller), ...this.#written(key, stored), [keyCol]: this.#escaped(key) }
  }

  #written(key: string, stored: Stored): Columns {
    return this.#options.mapper.columnsOf(key, stored)
  }

  #columns(): { readonly columns?: readonly string[] } {
    const { columns } = this.#options.mapper
    return columns === undefined ? {} : { columns }
  }

  /** In groups that each fit into one statement. */
  *#statements(entries: readonly (readonly [string, Stored])[], largest: number) {
    if (largest === Number.POSITIVE_INFINITY) return yield* chunks(entries, KEYS_PER_STATEMENT)
    let group: (readonly [string, Stored])[] = []
    let size = 0
    for (const entry of entries) {
      const more = this.sizeOf(...entry)
      if (group.length > 0 && (size + more > largest || group.length === KEYS_PER_STATEMENT)) {
        yield group
        group = []
        size = 0
      }
      group.push(entry)
      size += more
    }
    if (group.length > 0) yield group
  }

  /** Adds the rows; returns the last one's key, as the database has it. Rows without a key that can be one are not entries. */
  #collect(rows: readonly (object | DamagedRow)[], entries: Map<string, Stored>): string | undefined {
    const { keyCol, mapper, dialect, manager } = this.#options
    let last: string | undefined
    for (const row of rows) {
      const isDamaged = row instanceof DamagedRow
      if (!isDamaged && !(keyCol in row)) throw unexpected(manager.library, `rows with column "${keyCol}"`, row)
      const text = isDamaged ? row.key : (row as Columns)[keyCol]
      if (typeof text !== 'string') continue
      last = text
      const key = unescapeKey(text, dialect.unsafeInKeys)
      if (key !== undefined) add(entries, key, isDamaged ? row.stored : mapper.storedOf(row))
    }
    return last
  }

  #escaped(key: string): string {
    return escapeText(key, this.#options.dialect.unsafeInKeys)
  }
}

/** A plugin may fail: the transaction that follows reports it. */
function compiledBy({ compile }: CompiledWrites, write: RowWrite): ReturnType<CompiledWrites['compile']> {
  try {
    return compile(write)
  } catch {
    return undefined
  }
}

/** Whether it writes, without a clause in which more could be appended differently. */
function isPlainWrite(sql: string): boolean {
  return /^\s*(?:insert|update)\b/i.test(sql) && !/\breturning\b|;/i.test(sql)
}

/** A unique constraint that was dropped leaves several rows of one key, of which nobody knows which one counts. */
function add(entries: Map<string, Stored>, key: string, stored: Stored): void {
  const other = entries.get(key)
  const isOne = other === undefined || sameStored(other, stored)
  entries.set(key, isOne ? stored : new DamagedValue('Several rows with this key hold different values.'))
}

/** Rows that were written are known once the database and the model's hooks have filled in the rest. */
function completed(set: ReadonlyMap<string, Stored>, found: ReadonlyMap<string, Stored>): ReadonlyMap<string, Stored> {
  for (const [key, stored] of set) {
    const row = found.get(key)
    if (stored instanceof StoredRow && row instanceof StoredRow) stored.complete(row)
  }
  return set
}

function* chunks<V>(items: readonly V[], size: number): Generator<readonly V[]> {
  for (let start = 0; start < items.length; start += size) yield items.slice(start, start + size)
}
