import type { CatchUp, Change, Effect, Version } from '../../../contract/backend.js'
import { type Dialect, run, type Statement } from '../../sql/dialect.js'
import { newNonce, toVersion, type VersionParts } from '../../sql/version.js'
import { withVersionTables } from '../faults.js'
import type { ModelSession } from '../managers/manager.js'
import { channelOf } from '../notifications/channel.js'
import type { Stored } from '../table/stored.js'
import { type Past, serialize, touched } from './change-log.js'
import type { Head } from './head.js'
import { CHANGE_COLUMNS, CHANGE_KEY, LOG_BYTES, LOG_COMMITS, SQL, TRIM_EVERY } from './tables.js'
import type { Writing } from './versions.js'

/** A state, by its parts and as a token. */
type Place = VersionParts & { readonly version: Version }

/** What a transaction knows once it has the lock of the head. */
export interface Locked {
  readonly session: ModelSession
  readonly head: Head
  /** What happened since the earliest version that a condition names; `undefined` if none does. */
  readonly past: Past | undefined
  /** The most that a statement can take, in bytes. */
  readonly largest: number
  readonly connection: number | undefined
  readonly dialect: Dialect
  /** The dictionary's name, for errors. */
  readonly dictionary: string
  /** What tells the dictionary's version from others of the database. */
  readonly key: string
  catchUp(since: Version, present: Place): Promise<CatchUp<Stored>>
}

/** A transaction that holds the lock of the head. */
export class DatabaseWriting implements Writing {
  readonly version: Version
  readonly bound: number
  readonly largest: number
  readonly connection: number | undefined
  /** The state that it has moved to. */
  next: Place | undefined
  readonly #locked: Locked

  constructor(locked: Locked) {
    this.version = locked.head.version
    this.bound = locked.head.bound
    this.largest = locked.largest
    this.connection = locked.connection
    this.#locked = locked
  }

  touchedSince(since: Version, key: string): boolean {
    if (since === this.version) return false
    const { past } = this.#locked
    return past === undefined || touched(past, since, key)
  }

  async advance(effects: readonly Effect<Stored>[] | undefined, id: string): Promise<Version> {
    const { key, dialect, head } = this.#locked
    const { epoch, nonce: previous } = head
    const [number, nonce] = [head.number + 1, newNonce()]
    const text = effects === undefined ? null : serialize(effects, this.largest)
    const bytes = head.bytes + (text === null ? 0 : text.length)
    this.next = { number, epoch, nonce, version: toVersion(number, epoch, nonce) }
    const insert = dialect.replacing(SQL.insertChange, CHANGE_KEY, CHANGE_COLUMNS)
    await this.#run(insert, key, number, nonce, previous, id, text, bytes)
    await this.#moveHead(number, nonce, bytes)
    if (number % TRIM_EVERY === 0) await this.#run(SQL.trim, key, number - LOG_COMMITS, bytes - LOG_BYTES)
    return this.next.version
  }

  async catchUp(since: Version, change: Change<Stored> | undefined): Promise<CatchUp<Stored>> {
    // The caller usually lacks this change alone.
    if (change && since === this.version) return { type: 'changes', version: change.version, changes: [change] }
    return this.#locked.catchUp(since, this.next ?? this.#locked.head)
  }

  async #moveHead(number: number, nonce: string, bytes: number): Promise<void> {
    const { dialect, key } = this.#locked
    const { notifying } = dialect
    const sql = notifying ? `${SQL.moveHead} ${notifying.sql}` : SQL.moveHead
    await this.#run(sql, number, nonce, bytes, key, ...(notifying?.parameters(channelOf(key)) ?? []))
  }

  #run(sql: string, ...parameters: Statement['parameters']): Promise<unknown> {
    const { session, dialect, dictionary } = this.#locked
    return withVersionTables(dictionary, () => run(session, dialect, { sql, parameters }))
  }
}
