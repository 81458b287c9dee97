import { escapeText, unescapeText } from '../sql/escape.js'
import type { Dialect } from './dialect.js'
import type { Form } from './form.js'
import type { Columns, ModelManager, ModelSession } from './manager.js'
import type { RunInContext } from './own-context.js'
import { type Stored, StoredRow } from './stored.js'

/** How many keys stand in one statement, and how many rows come in one answer, at most. */
const KEYS_PER_STATEMENT = 1_000
const ROWS_PER_PAGE = 5_000

/** What rows are to become. */
export interface RowChanges {
  /** All rows are removed first. */
  readonly clear: boolean
  readonly create: ReadonlyMap<string, Stored>
  readonly update: ReadonlyMap<string, Stored>
  readonly remove: readonly string[]
}

export interface RowsOptions {
  readonly manager: ModelManager
  readonly dialect: Dialect
  readonly keyCol: string
  readonly form: Form
  /** Further columns of a row that is inserted, by a function of the application's that runs in its caller's context. */
  fill(key: string, stored: Stored, caller: RunInContext): Columns
}

/** The model's rows, as the entries of a dictionary. */
export class Rows {
  readonly #options: RowsOptions

  constructor(options: RowsOptions) {
    this.#options = options
  }

  /** What is stored under these keys; those that are missing are left out. */
  async find(session: ModelSession, keys: Iterable<string>): Promise<Map<string, Stored>> {
    const { keyCol } = this.#options
    const entries = new Map<string, Stored>()
    for (const some of chunks([...keys], KEYS_PER_STATEMENT)) {
      this.#collect(
        await session.rows({ ...this.#columns(), keyCol, keys: some.map(key => this.#escaped(key)) }),
        entries,
      )
    }
    return entries
  }

  /** Everything stored, page by page. `progress` is called after each. */
  async all(session: ModelSession, progress: () => void): Promise<Map<string, Stored>> {
    const { keyCol } = this.#options
    const entries = new Map<string, Stored>()
    let behind: { readonly after?: string } = {}
    for (let limit = ROWS_PER_PAGE; ; ) {
      const page = await session.rows({ ...this.#columns(), keyCol, ...behind, limit })
      progress()
      const last = this.#collect(page, entries)
      if (page.length < limit) return entries
      // Rows without a key come first in some databases, and cannot be begun behind: as many as it takes are read.
      if (last === undefined) limit *= 2
      else behind = { after: last }
    }
  }

  async any(session: ModelSession): Promise<boolean> {
    const { keyCol } = this.#options
    return (await session.rows({ keyCol, columns: [keyCol], limit: 1 })).length > 0
  }

  /** @param callerOf - the context of the call that wrote a key. */
  async write(
    session: ModelSession,
    { clear, create, update, remove }: RowChanges,
    callerOf: (key: string) => RunInContext,
  ): Promise<void> {
    const { keyCol } = this.#options
    if (clear) await session.removeAll()
    for (const keys of chunks(remove, KEYS_PER_STATEMENT)) {
      await session.remove(
        keyCol,
        keys.map(key => this.#escaped(key)),
      )
    }
    for (const [key, stored] of update) await session.update(keyCol, this.#escaped(key), this.#written(key, stored))
    for (const entries of chunks([...create], KEYS_PER_STATEMENT)) {
      await session.create(
        entries.map(([key, stored]) => this.#inserted(key, stored, callerOf(key))),
        keyCol,
      )
    }
    await this.#complete(session, [...create, ...update])
  }

  /** What was written is known by its row alone, once the database and the model's hooks have filled in the rest. */
  async #complete(session: ModelSession, written: readonly (readonly [string, Stored])[]): Promise<void> {
    if (!this.#options.form.rereads || written.length === 0) return
    const found = await this.find(
      session,
      written.map(([key]) => key),
    )
    for (const [key, stored] of written) {
      const row = found.get(key)
      if (stored instanceof StoredRow && row instanceof StoredRow) stored.complete(row)
    }
  }

  #inserted(key: string, stored: Stored, caller: RunInContext): Columns {
    const { keyCol, fill } = this.#options
    return { ...fill(key, stored, caller), ...this.#written(key, stored), [keyCol]: this.#escaped(key) }
  }

  #written(key: string, stored: Stored): Columns {
    return this.#options.form.columnsOf(key, stored)
  }

  #columns(): { readonly columns?: readonly string[] } {
    const { columns } = this.#options.form
    return columns === undefined ? {} : { columns }
  }

  /** Adds the rows; gives the last one's key, as the database has it. Rows whose key is no text are not entries. */
  #collect(rows: readonly object[], entries: Map<string, Stored>): string | undefined {
    const { keyCol, form } = this.#options
    let last: string | undefined
    for (const row of rows) {
      const key = (row as Columns)[keyCol]
      if (typeof key !== 'string') continue
      last = key
      entries.set(unescapeText(key), form.storedOf(row))
    }
    return last
  }

  #escaped(key: string): string {
    return escapeText(key, this.#options.dialect.unsafeInKeys)
  }
}

function* chunks<V>(items: readonly V[], size: number): Generator<readonly V[]> {
  for (let start = 0; start < items.length; start += size) yield items.slice(start, start + size)
}
