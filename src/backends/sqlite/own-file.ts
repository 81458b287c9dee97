import { closeSync, fchmodSync, openSync, statSync } from 'node:fs'
import { Connection } from './connection.js'
import type { Engine, OwnHandle } from './engine.js'
import { isLocked, type Place, unavailable } from './faults.js'
import { type Companions, setAside } from './set-aside.js'
import { type Identity, identify, isSame, isStillSame, type Source } from './source.js'

/** The number that `PRAGMA synchronous` returns for FULL. */
const FULL = 2

/** Readable and writable only by the owner. */
const PRIVATE = 0o600

interface Known extends Companions {
  readonly file: Identity
}

interface Opened extends Known {
  readonly handle: OwnHandle
  readonly connection: Connection
}

/**
 * A file that the library opens, in WAL mode with `synchronous=FULL`, so that a commit is on the disk when it returns
 * (SQLite docs, "Write-Ahead Logging"). Both settings are read back: a pragma without effect could lose data.
 */
export class OwnFile implements Source {
  readonly place: Place
  readonly #engine: Engine
  #opened: Opened | undefined
  /** What the last connection had open, until the next one has. */
  #left: Known | undefined
  readonly #mode: number
  #readOnly = false
  /** Whether the file existed before: it is then never created again. */
  #existed = false

  /** @param mode - the permissions of a file that the library creates. */
  constructor(path: string, dictionary: string, engine: Engine, mode: number = PRIVATE) {
    this.place = { file: path, dictionary }
    this.#engine = engine
    this.#mode = mode
  }

  restrictToReads(): void {
    this.#readOnly = true
  }

  connection(): Connection {
    const file = identify(this.place.file)
    const opened = this.#opened
    if (opened && isSame(file, opened.file)) return opened.connection
    if (!file && this.#existed) throw this.#missing()
    if (opened) this.#leaveReplaced(opened)
    return this.#open()
  }

  /**
   * Returns `PRAGMA data_version`, which changes when another connection of any process commits, but not when this
   * one does.
   */
  signal(connection: Connection): number {
    try {
      return connection.get('PRAGMA data_version')?.data_version as number
    } catch (error) {
      // It needs no lock, except during a recovery of the file or if another connection locks it exclusively: see
      // Connection.
      this.#end()
      throw error
    }
  }

  durably<V>(_connection: Connection, write: () => V): V {
    return write()
  }

  watchable(): string {
    return `${this.place.file}-wal`
  }

  renew(): void {
    this.#end()
  }

  close(): void {
    const opened = this.#opened
    if (opened && !this.#readOnly && !this.#engine.closesAtOnce && isSame(identify(this.place.file), opened.file)) {
      quietly(() => opened.connection.exec('PRAGMA wal_checkpoint(TRUNCATE)'))
    }
    this.#end()
  }

  #open(): Connection {
    const { file: path } = this.place
    if (!this.#readOnly && !this.#existed && !identify(path)) createFile(path, this.#mode)
    const before = identify(path)
    if (before && this.#left && !isStillSame(before, this.#left.file)) setAside(path, this.#left, isStillSame)
    const handle = this.#engine.open(path, this.#readOnly ? 'ro' : 'rw')
    try {
      const connection = new Connection(handle)
      connection.exec('PRAGMA busy_timeout = 0')
      if (!this.#readOnly) configure(connection, this.place)
      // The first read opens the files next to it, whose identities are then recorded. It uses `exec`, because a lock
      // may make it fail.
      connection.exec('SELECT 1 FROM sqlite_master LIMIT 1')
      const companions = { journal: identify(`${path}-wal`), index: identify(`${path}-shm`) }
      // If it is still the same file, what is beside it is its own.
      const file = identify(path)
      if (!file || (before && !isSame(before, file))) throw this.#missing()
      this.#existed = true
      this.#opened = { handle, connection, file, ...companions }
      this.#left = undefined
      return connection
    } catch (error) {
      quietly(() => handle.close())
      throw error
    }
  }

  /** Closes the connection to a file that was replaced. */
  #leaveReplaced(opened: Opened): void {
    alone(opened.connection, () => setAside(this.place.file, opened, isSame))
    this.#end()
    this.#left = undefined
  }

  #end(): void {
    const opened = this.#opened
    this.#opened = undefined
    this.#left = opened ?? this.#left
    opened?.connection.forget()
    quietly(() => opened?.handle.close())
  }

  #missing() {
    const { file } = this.place
    const message = `${file} is missing. It is not created again: put it back, or restore it.`
    return unavailable(message, this.place, whyMissing(file))
  }
}

/**
 * Creates an empty file if it is missing, with the given permissions: SQLite would use the default of this process.
 * The files next to it get the same permissions. If this fails, opening the file reports the reason.
 */
function createFile(path: string, mode: number): void {
  quietly(() => {
    const descriptor = openSync(path, 'wx', mode)
    fchmodSync(descriptor, mode)
    closeSync(descriptor)
  })
}

/** Returns the system's error for a missing file, or an error that says the file was replaced. */
function whyMissing(file: string): unknown {
  try {
    statSync(file)
    return new Error(`${file} was replaced while it was opened.`)
  } catch (error) {
    return error
  }
}

/** Uses `exec` for statements that may wait for a lock: see {@link Connection}. */
function configure(connection: Connection, place: Place): void {
  connection.exec('PRAGMA journal_mode = WAL')
  connection.exec('PRAGMA synchronous = FULL')
  // macOS flushes the disk's own cache only on request.
  connection.exec('PRAGMA fullfsync = ON')
  connection.exec('PRAGMA checkpoint_fullfsync = ON')
  const journal = connection.pragma('journal_mode')
  const synchronous = connection.pragma('synchronous')
  if (journal === 'wal' && synchronous === FULL) return
  throw unavailable(
    `writes to ${place.file} would not be durable: SQLite reports journal_mode=${journal}, synchronous=${synchronous}, ` +
      `but wal and ${FULL} (FULL) are needed. WAL needs shared memory, which network file systems lack: use a local disk.`,
    place,
  )
}

/**
 * Does it while no other process does so. They all have the replaced file open, so that its lock for writers excludes them. Otherwise,
 * one could move what another has just created for the new file.
 */
function alone(connection: Connection, work: () => void): void {
  try {
    connection.exec('BEGIN IMMEDIATE')
  } catch (error) {
    if (isLocked(error)) throw error
    // The connection cannot lock, because it is read-only or broken.
  }
  try {
    work()
  } finally {
    quietly(() => connection.exec('ROLLBACK'))
  }
}

function quietly(work: () => unknown): void {
  try {
    work()
  } catch {}
}
