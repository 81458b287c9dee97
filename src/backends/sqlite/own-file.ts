import { closeSync, fchmodSync, openSync, statSync } from 'node:fs'
import { Connection } from './connection.js'
import type { Engine, OwnHandle } from './engine.js'
import { type Place, unavailable } from './faults.js'
import { setAside } from './set-aside.js'
import { type Identity, identify, isSame, type Source } from './source.js'

/** `PRAGMA synchronous`, as it reads back. */
const FULL = 2

/** Read and written by its owner alone. */
const PRIVATE = 0o600

interface Opened {
  readonly handle: OwnHandle
  readonly connection: Connection
  readonly file: Identity
  /** The files beside it that SQLite keeps while it is open. */
  readonly journal: Identity | undefined
  readonly index: Identity | undefined
}

/**
 * A file that we open ourselves: in WAL mode with `synchronous=FULL`, so that a commit is on the disk when it returns
 * (SQLite docs, "Write-Ahead Logging"). Both are read back: a pragma that did nothing would be a data loss.
 */
export class OwnFile implements Source {
  readonly place: Place
  readonly #engine: Engine
  #opened: Opened | undefined
  readonly #mode: number
  #readOnly = false
  /** Once it was there it is not created any more. */
  #found = false

  /** @param mode - the permissions of a file that is created here. */
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
    if (!file && this.#found) throw this.#missing()
    if (opened) this.#letGo(opened)
    return this.#open()
  }

  /** "PRAGMA data_version": changes when another connection commits, whatever process it is of; not by our own commits. */
  signal(connection: Connection): number {
    try {
      return connection.get('PRAGMA data_version')?.data_version as number
    } catch (error) {
      // It waits for no lock, except while the file is recovered or someone wants it alone: see Connection.
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
    if (!this.#readOnly && !this.#found && !identify(path)) createFile(path, this.#mode)
    const before = identify(path)
    const handle = this.#engine.open(path, this.#readOnly ? 'ro' : 'rw')
    try {
      const connection = new Connection(handle)
      connection.exec('PRAGMA busy_timeout = 0')
      if (!this.#readOnly) configure(connection, this.place)
      // The first read opens the files beside it, whose identities are taken now. By `exec`, which a lock may fail.
      connection.exec('SELECT 1 FROM sqlite_master LIMIT 1')
      const file = identify(path)
      if (!file || (before && !isSame(before, file))) throw this.#missing()
      this.#found = true
      this.#opened = { handle, connection, file, journal: identify(`${path}-wal`), index: identify(`${path}-shm`) }
      return connection
    } catch (error) {
      quietly(() => handle.close())
      throw error
    }
  }

  /** The file was replaced. */
  #letGo({ journal, index }: Opened): void {
    setAside(this.place.file, journal, index)
    this.#end()
  }

  #end(): void {
    const opened = this.#opened
    this.#opened = undefined
    opened?.connection.forget()
    quietly(() => opened?.handle.close())
  }

  #missing() {
    const { file } = this.place
    const said = `${file} is no longer there. It is not created anew: put it back, or restore it.`
    return unavailable(said, this.place, whyMissing(file))
  }
}

/**
 * Creates the file, empty, where it is missing: SQLite would give it the permissions that are usual in this process. Those of the
 * files beside it follow. Where it cannot be created, opening it says why.
 */
function createFile(path: string, mode: number): void {
  quietly(() => {
    const descriptor = openSync(path, 'wx', mode)
    fchmodSync(descriptor, mode)
    closeSync(descriptor)
  })
}

/** What the system says of a file that is not there; nothing where it is back, or another one is there. */
function whyMissing(file: string): unknown {
  try {
    statSync(file)
    return new Error(`${file} was replaced while it was opened.`)
  } catch (error) {
    return error
  }
}

/** By `exec` where a lock may have to be waited for: see {@link Connection}. */
function configure(connection: Connection, place: Place): void {
  connection.exec('PRAGMA journal_mode = WAL')
  connection.exec('PRAGMA synchronous = FULL')
  // macOS flushes the disk's own cache only when asked to.
  connection.exec('PRAGMA fullfsync = ON')
  connection.exec('PRAGMA checkpoint_fullfsync = ON')
  const journal = connection.pragma('journal_mode')
  const synchronous = connection.pragma('synchronous')
  if (journal === 'wal' && synchronous === FULL) return
  throw unavailable(
    `writes to ${place.file} would not be durable: SQLite answers journal_mode=${journal}, synchronous=${synchronous}, ` +
      `where wal and ${FULL} (FULL) are needed. WAL needs shared memory, which network file systems lack.`,
    place,
  )
}

function quietly(work: () => unknown): void {
  try {
    work()
  } catch {}
}
