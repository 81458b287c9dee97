import { UnsupportedError } from '../../errors/errors.js'
import { Connection } from './connection.js'
import { HandleInUse, type Place, unavailable } from './faults.js'
import type { SqliteHandle } from './handle.js'
import { type Identity, identify, isSame, type Source } from './source.js'

/**
 * What `PRAGMA synchronous` must be at least for a commit to be on the disk when it returns, by journal mode (SQLite docs,
 * "PRAGMA synchronous"): 2 is FULL, 3 EXTRA, which also syncs the folder that a deleted journal was in.
 */
const NEEDED: Readonly<Record<string, number>> = { wal: 2, truncate: 2, persist: 2, delete: 3 }

/** How the engines tell of their state: better-sqlite3 and libsql; node:sqlite from 22.16 on. */
interface HandleState {
  readonly open?: unknown
  readonly inTransaction?: boolean
  readonly isOpen?: boolean
  readonly isTransaction?: boolean
}

/**
 * A connection of the caller's, who may use it for other things: its settings are as they were after each call, its
 * transactions are waited for, and it stays open. A commit of its own does not show in its `data_version`.
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
        `${file} was deleted or replaced under the connection that was passed in. Open another connection and dictionary.`,
        this.place,
      )
    }
    return this.#connection
  }

  signal(): undefined {
    return undefined
  }

  /** With the settings that durability needs, for as long as the write takes. */
  durably<V>(connection: Connection, write: () => V): V {
    const synchronous = Number(connection.pragma('synchronous'))
    const timeout = Number(connection.pragma('busy_timeout'))
    const needed = Math.max(synchronous, this.#needed(connection))
    try {
      connection.exec(`PRAGMA busy_timeout = 0; PRAGMA synchronous = ${needed}`)
      if (connection.pragma('synchronous') !== needed) throw this.#unsafe(`synchronous=${synchronous}`)
      return write()
    } finally {
      putBack(connection, `PRAGMA busy_timeout = ${timeout}; PRAGMA synchronous = ${synchronous}`)
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

  /** A database in memory is as durable as its owner wants it. */
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

  /** libsql ends the whole process when a closed connection is asked for anything else. */
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

/** What was written stays written, whatever becomes of the settings: a fault here must not have it repeated. */
function putBack(connection: Connection, settings: string): void {
  try {
    connection.exec(settings)
  } catch {}
}
