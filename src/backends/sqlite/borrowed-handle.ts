import { UnsupportedError } from '../../errors/errors.js'
import { Connection } from './connection.js'
import { HandleInUse, type Place, unavailable } from './faults.js'
import type { SqliteHandle } from './handle.js'
import { type Identity, identify, isSame, type Source } from './source.js'

/**
 * The smallest `PRAGMA synchronous` with which a commit is on the disk when it returns, by journal mode (SQLite docs,
 * "PRAGMA synchronous"): 2 is FULL, 3 is EXTRA, which also syncs the folder of a deleted journal.
 */
const NEEDED: Readonly<Record<string, number>> = { wal: 2, truncate: 2, persist: 2, delete: 3 }

/**
 * The members with which the engines report their state: first better-sqlite3 and libsql, then node:sqlite since
 * 22.16.
 */
interface HandleState {
  readonly open?: unknown
  readonly inTransaction?: boolean
  readonly isOpen?: boolean
  readonly isTransaction?: boolean
}

/**
 * A connection of the caller, who may use it for other things. Each call restores its settings and waits for the
 * caller's transactions, and the connection stays open. Its own commits do not change its `data_version`.
 */
export class BorrowedHandle implements Source {
  readonly #handle: SqliteHandle & HandleState
  readonly #dictionary: string
  readonly #connection: Connection
  #readOnly = false
  #file: (Place & { readonly identity: Identity | undefined }) | undefined

  constructor(handle: SqliteHandle, dictionary: string) {
    this.#handle = handle
    this.#dictionary = dictionary
    this.#connection = new Connection(handle)
  }

  get place(): Place {
    return this.#file ?? { dictionary: this.#dictionary, file: 'the database of the connection passed in' }
  }

  restrictToReads(): void {
    this.#readOnly = true
  }

  connection(): Connection {
    this.#throwIfClosed()
    if (this.#inTransaction()) throw new HandleInUse('The connection passed in is in a transaction.')
    this.#file ??= this.#find()
    const { file, identity } = this.#file
    if (identity && !isSame(identify(file), identity)) {
      throw unavailable(
        `${file} was deleted or replaced while the connection that was passed in was open. Open another connection and dictionary.`,
        this.place,
      )
    }
    return this.#connection
  }

  signal(): undefined {
    return undefined
  }

  /** Applies the settings that durability needs for the duration of the write. */
  durably<V>(connection: Connection, write: () => V): V {
    const synchronous = Number(connection.pragma('synchronous'))
    const timeout = Number(connection.pragma('busy_timeout'))
    const needed = Math.max(synchronous, this.#needed(connection))
    try {
      connection.exec(`PRAGMA busy_timeout = 0; PRAGMA synchronous = ${needed}`)
      if (connection.pragma('synchronous') !== needed) throw this.#unsafe(`synchronous=${synchronous}`)
      return write()
    } finally {
      restoreSettings(connection, `PRAGMA busy_timeout = ${timeout}; PRAGMA synchronous = ${synchronous}`)
    }
  }

  watchable(): string | undefined {
    if (!this.#file?.identity) return undefined
    return this.#connection.pragma('journal_mode') === 'wal' ? `${this.#file.file}-wal` : this.#file.file
  }

  renew(): void {}

  close(): void {
    this.#connection.forget()
  }

  #find(): Place & { identity: Identity | undefined } {
    const databases = this.#connection.all('PRAGMA database_list') as unknown as { name: string; file: string }[]
    const file = databases.find(({ name }) => name === 'main')?.file || undefined
    const identity = file === undefined ? undefined : identify(file)
    const found = { dictionary: this.#dictionary, file: file ?? 'the database in memory', identity }
    this.#file = found
    if (!this.#readOnly) this.#needed(this.#connection)
    return found
  }

  /** A database in memory is as durable as its owner wants. */
  #needed(connection: Connection): number {
    if (!this.#file?.identity) return 0
    const journal = String(connection.pragma('journal_mode'))
    const needed = NEEDED[journal]
    if (needed === undefined) throw this.#unsafe(`journal_mode=${journal}`)
    return needed
  }

  #unsafe(setting: string): UnsupportedError {
    return new UnsupportedError(
      `The connection passed in for dictionary "${this.#dictionary}" cannot write durably with ${setting}. ` +
        'Run PRAGMA journal_mode = WAL on it, or pass the path of the file.',
      { dictionary: this.#dictionary },
    )
  }

  /** libsql aborts the process on any other call to a closed connection. */
  #throwIfClosed(): void {
    const { open, isOpen } = this.#handle
    if (open === false || isOpen === false)
      throw unavailable('the connection that was passed in is closed.', this.place, new Error('It is closed.'))
  }

  #inTransaction(): boolean {
    const { inTransaction, isTransaction } = this.#handle
    return inTransaction ?? isTransaction ?? this.#refusesToBegin()
  }

  #refusesToBegin(): boolean {
    try {
      this.#handle.exec('BEGIN')
    } catch (error) {
      if (/within a transaction/.test((error as Error).message)) return true
      throw error
    }
    this.#handle.exec('ROLLBACK')
    return false
  }
}

/** A completed write counts even if the settings cannot be restored: an error here would make the caller repeat it. */
function restoreSettings(connection: Connection, settings: string): void {
  try {
    connection.exec(settings)
  } catch {}
}
