import type { CatchUp, Change, Effect, Version } from '../../../contract/backend.js'
import { keyChange } from '../../../contract/history.js'
import { type Dialect, run, type Statement } from '../../sql/dialect.js'
import { type Past, touched } from '../../sql/log/change-log.js'
import { notesText } from '../../sql/log/notes.js'
import { channelOf } from '../../sql/notifications/channel.js'
import { MARK } from '../../sql/triggers/triggered-table.js'
import { newNonce, toVersion, type VersionParts } from '../../sql/version.js'
import { withVersionTables } from '../faults.js'
import type { Recorded } from '../history/commit-rows.js'
import type { HistoryStep, HistoryWriting } from '../history/history-writing.js'
import type { ModelSession } from '../managers/manager.js'
import type { Stored } from '../table/stored.js'
import type { Head } from './head.js'
import { serialize } from './serialize.js'
import { LOG_BYTES, LOG_COMMITS, SQL, TRIM_EVERY } from './tables.js'
import type { KnownHead, Told, Writing } from './versions.js'

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
  /** Missing if the tables have no room for it, or it is of a later format. */
  readonly history: HistoryWriting | undefined
  /** Whether the tables have the columns of the history. */
  readonly hasHistory: boolean
  /** Whether the table has triggers, which recognize the library's own transactions by a row of the log. */
  readonly hasTriggers: boolean
  /** Returns what the value column holds. */
  recorded(stored: Stored): Recorded
  catchUp(since: Version, present: Place): Promise<CatchUp<Stored>>
}

/** A transaction that holds the lock of the head. */
export class DatabaseWriting implements Writing {
  readonly version: Version
  readonly bound: number
  readonly largest: number
  readonly connection: number | undefined
  next: KnownHead | undefined
  readonly #locked: Locked

  constructor(locked: Locked) {
    this.version = locked.head.version
    this.bound = locked.head.bound
    this.largest = locked.largest
    this.connection = locked.connection
    this.#locked = locked
  }

  /** `advance` replaces the row. */
  readonly mark = async (): Promise<void> => {
    const { head, hasTriggers } = this.#locked
    if (hasTriggers) {
      await this.#run(this.#insertChange([head.number + 1, head.nonce, head.nonce, MARK, null, head.bytes], undefined))
    }
  }

  get keepsHistory(): boolean {
    return this.#locked.history?.isKept ?? false
  }

  touchedSince(since: Version, key: string): boolean {
    if (since === this.version) return false
    const { past } = this.#locked
    return past === undefined || touched(past, since, key)
  }

  async advance(effects: readonly Effect<Stored>[] | undefined, id: string, told?: Told): Promise<Version> {
    const { key, head } = this.#locked
    const { epoch } = head
    const [number, nonce] = [head.number + 1, newNonce()]
    const text = effects === undefined ? null : serialize(effects, this.largest)
    const bytes = head.bytes + (text === null ? 0 : text.length)
    const next = { number, epoch, nonce, bytes, bound: this.bound, version: toVersion(number, epoch, nonce) }
    this.next = { head: next }
    const step = told && (await this.#record(told, number, nonce))
    this.next = { head: next, ...this.#recordAfter(step) }
    const change = this.#insertChange([number, nonce, head.nonce, id, text, bytes], told)
    await this.#runTogether([...(step?.statements ?? []), change, this.#moveHead([number, nonce, bytes], step?.head)])
    if (number % TRIM_EVERY === 0) {
      await this.#run({ sql: SQL.trim, parameters: [key, number - LOG_COMMITS, bytes - LOG_BYTES] })
    }
    return next.version
  }

  #recordAfter(step: HistoryStep | undefined): Omit<KnownHead, 'head'> {
    if (step) return { record: step.record, text: step.head.history ?? null }
    const { record, text } = this.#locked.history?.found ?? {}
    return { record, text }
  }

  /** Writes what each group did. Without a history, the record in the head falls behind: others see that commits are missing. */
  #record({ commits }: Told, number: number, nonce: string): Promise<HistoryStep> | undefined {
    const { history, recorded } = this.#locked
    if (!history?.isKept) return undefined
    const side = (stored: Stored | undefined) => (stored === undefined ? undefined : recorded(stored))
    const entries = commits.map(({ attribution, changes }) => ({
      attribution,
      changes: changes.map(({ key, before, after }) => keyChange(key, side(before), side(after))),
    }))
    return this.#inTables(() => history.add(entries, { number, nonce }))
  }

  async catchUp(since: Version, change: Change<Stored> | undefined): Promise<CatchUp<Stored>> {
    // The caller usually lacks this change alone.
    if (change && since === this.version) return { type: 'changes', version: change.version, changes: [change] }
    return this.#locked.catchUp(since, this.next?.head ?? this.#locked.head)
  }

  #insertChange(values: Statement['parameters'], told: Told | undefined): Statement {
    const { dialect, key, hasHistory } = this.#locked
    const sql = SQL.insertChange(dialect, hasHistory ? ['notes'] : [])
    return { sql, parameters: [key, ...values, ...(hasHistory ? [notesText(told?.notes, told?.acknowledge)] : [])] }
  }

  #moveHead(values: Statement['parameters'], more: HistoryStep['head'] = {}): Statement {
    const { dialect, key } = this.#locked
    const { notifying } = dialect
    const sql = SQL.moveHead(Object.keys(more))
    const parameters = [...values, ...Object.values(more), key, ...(notifying?.parameters(channelOf(key)) ?? [])]
    return { sql: notifying ? `${sql} ${notifying.sql}` : sql, parameters }
  }

  async #runTogether(statements: readonly Statement[]): Promise<void> {
    const { joined } = this.#locked.dialect
    for (const statement of joined ? [joined(statements)] : statements) await this.#run(statement)
  }

  #run(statement: Statement): Promise<unknown> {
    const { session, dialect } = this.#locked
    return this.#inTables(() => run(session, dialect, statement))
  }

  #inTables<V>(work: () => Promise<V>): Promise<V> {
    return withVersionTables(this.#locked.dictionary, work)
  }
}
