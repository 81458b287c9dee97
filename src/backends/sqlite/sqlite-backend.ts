import type {
  Awaitable,
  Backend,
  Batch,
  CatchUp,
  Committed,
  Listener,
  Operation,
  State,
  Unsubscribe,
  Version,
} from '../../contract/backend.js'
import type { HistoryPage, HistoryPolicy, HistoryQuery } from '../../contract/history.js'
import { pollAcknowledgements } from '../../contract/poll-acknowledgements.js'
import type { Presence, Registration, Registry } from '../../contract/presence.js'
import { setImmediate } from '../../time/clock.js'
import { commitBatch, withDamage } from './commit.js'
import type { Connection } from './connection.js'
import { lacksEdits, repairEdits } from './edits/repair-edits.js'
import { Entries } from './entries.js'
import { isBreaking, isLocked, isRefusal, readFault, unavailable, writeFault } from './faults.js'
import { Feed, type Sight } from './feed.js'
import { createHead, type Head, type NoHead, readHead } from './head.js'
import { forgetAuthor, isSamePolicy, recordPolicy } from './history-admin.js'
import { emptyPage, readPage } from './history-page.js'
import { changesSince, type Log } from './log.js'
import { Patience } from './patience.js'
import { isRegistryMissing, SqliteRegistry } from './registry.js'
import type { Source } from './source.js'
import type { Stored } from './text.js'
import { reading, writing } from './transactions.js'

const NOT_CREATED =
  'the file does not contain this dictionary, or its row in durabledict_heads is damaged. With { readOnly: true } it is neither ' +
  'created nor repaired: open it once without the option.'

/** The head as last read, and what must be unchanged for it to be current. */
interface LastHead {
  readonly head: Head | NoHead
  readonly connection: Connection
  readonly signal: number | undefined
}

/**
 * A dictionary in an SQLite file. Supports every capability. Linearizable; a write is on the disk when it is
 * acknowledged. Returns results synchronously, without a promise, unless another connection has locked the file.
 */
export class SqliteBackend implements Backend<Stored> {
  readonly storeKind = 'sqlite'
  readonly name: string
  readonly valueKind = 'bytes'
  readonly #source: Source
  readonly #patience: Patience
  readonly #entries: Entries
  readonly #registry = new SqliteRegistry()
  readonly #feeds = new Set<Feed>()
  #readOnly = false
  #lastHead: LastHead | undefined
  /** Resolves at the end of a turn of the event loop in which a commit was made. */
  #turn: Promise<void> | undefined

  /** @param timeout - the longest time that a call may take, in ms. */
  constructor(name: string, source: Source, timeout: number) {
    this.name = name
    this.#source = source
    this.#patience = new Patience(source, timeout)
    this.#entries = new Entries(name)
  }

  restrictToReads(): void {
    this.#readOnly = true
    this.#source.restrictToReads()
  }

  persist(key: string, stored: Stored): Awaitable<void> {
    return this.#single({ type: 'set', key, stored }) as Awaitable<void>
  }

  depersist(key: string): Awaitable<boolean> {
    return this.#single({ type: 'delete', key }) as Awaitable<boolean>
  }

  pop(key: string): Awaitable<Stored | undefined> {
    return this.#single({ type: 'pop', key }) as Awaitable<Stored | undefined>
  }

  setDefault(key: string, stored: Stored): Awaitable<Stored> {
    return this.#single({ type: 'setDefault', key, stored }) as Awaitable<Stored>
  }

  durables(): Awaitable<Iterable<readonly [string, Stored]>> {
    return this.#read(connection => this.#load(connection).entries)
  }

  lastUpdated(): Awaitable<Version> {
    return this.#read(connection => this.#ensure(connection).version)
  }

  changesSince(since: Version): Awaitable<CatchUp<Stored>> {
    return this.#read(connection => {
      if (this.#head(connection).version === since) return { type: 'changes', version: since, changes: [] }
      return reading(connection, () => {
        const head = readHead(connection, this.name)
        if (head.version === undefined) return { type: 'tooOld', diverged: true, damage: head.damage }
        return changesSince({ connection, dictionary: this.name }, since, head)
      })
    })
  }

  /** Returns one consistent state. Creates tables and dictionary if they are missing. */
  load(): Awaitable<State<Stored>> {
    return this.#read(connection => this.#load(connection))
  }

  /**
   * Executes one transaction, which is on the disk when it is acknowledged. A second one within a turn of the event
   * loop waits for the next turn: a loop of awaited writes would block everything else.
   */
  commit(batch: Batch<Stored>, since: Version, signal?: AbortSignal): Awaitable<Committed<Stored>> {
    const execute = () => this.#write(connection => this.#commit(connection, batch, since), signal)
    return this.#turn ? this.#turn.then(execute) : execute()
  }

  refuses(error: unknown): boolean {
    return isRefusal(error, this.#source.place.file)
  }

  registerMaxStaleness(ms: number): Awaitable<void> {
    return this.#write(connection =>
      this.#withRegistry(connection, log => {
        if (reading(connection, () => this.#registry.isUnregistered(log, ms))) return
        const raise = () => this.#registry.raiseUnregistered(log, ms)
        this.#source.durably(connection, () => writing(connection, raise))
      }),
    )
  }

  register(presence: Presence, ttl: number): Awaitable<Registration> {
    return this.#changeRegistry(log => this.#registry.register(log, presence, ttl))
  }

  leave(id: string): Awaitable<void> {
    return this.#changeRegistry(log => this.#registry.leave(log, id))
  }

  acknowledge(id: string, version: Version): Awaitable<void> {
    return this.#changeRegistry(log => this.#registry.acknowledge(log, id, version))
  }

  replicas(): Awaitable<Registry> {
    return this.#read(connection => reading(connection, () => this.#registry.read(this.#logOf(connection))))
  }

  awaitAcknowledgements(
    version: Version,
    ids: readonly string[],
    acknowledged: (id: string) => void,
    signal: AbortSignal,
  ): Promise<void> {
    const holding = (log: Log, waiting: readonly string[]) => this.#registry.holding(log, version, waiting)
    const look = (waiting: readonly string[]) =>
      this.#read(connection => reading(connection, () => holding(this.#logOf(connection), waiting)))
    return pollAcknowledgements(ids, look, acknowledged, signal)
  }

  /** In a file that only releases without a history have written to, returns an empty page that says so. */
  history(query: HistoryQuery): Awaitable<HistoryPage<Stored>> {
    return this.#read(connection =>
      reading(connection, () => {
        const head = readHead(connection, this.name)
        return head.version === undefined ? emptyPage() : readPage({ connection, dictionary: this.name }, head, query)
      }),
    )
  }

  setHistoryPolicy(policy: HistoryPolicy): Awaitable<void> {
    return this.#write(connection => {
      if (isSamePolicy(this.#ensure(connection).history.policy, policy)) return
      this.#administer(connection, log => recordPolicy(log, policy))
    })
  }

  forgetAuthor(by: string): Awaitable<number> {
    return this.#write(connection => this.#administer(connection, log => forgetAuthor(log, by)))
  }

  /** Notifies the listener of every commit by any writer. */
  subscribe(listener: Listener<Stored>): Awaitable<Unsubscribe> {
    return this.#patience.until(() => {
      const feed = new Feed({ look: () => this.#look(), watchable: () => this.#source.watchable() }, listener)
      this.#feeds.add(feed)
      return () => this.#stop(feed)
    })
  }

  close(): void {
    this.#patience.close()
    for (const feed of this.#feeds) this.#stop(feed)
    this.#lastHead = undefined
    this.#source.close()
  }

  #commit(connection: Connection, batch: Batch<Stored>, since: Version): Committed<Stored> {
    const log = { connection, dictionary: this.name }
    const { committed, head } = this.#source.durably(connection, () => {
      const registry = (one: Log) => this.#registry.read(one)
      const first = commitBatch(log, batch, since, registry)
      if (first.committed) return first
      this.#lastHead = undefined
      createHead(connection, this.name)
      const second = commitBatch(log, batch, since, registry)
      return second.committed ? withDamage(second, first.head.damage) : this.#removed()
    })
    // The earlier signal is still valid: this connection's commit does not change it.
    const signal = this.#lastHead?.connection === connection ? this.#lastHead.signal : undefined
    this.#lastHead = { head, connection, signal }
    this.#turn = this.#nextTurn()
    return committed
  }

  #logOf(connection: Connection): Log {
    return { connection, dictionary: this.name }
  }

  #changeRegistry<V>(work: (log: Log) => V): Awaitable<V> {
    return this.#write(connection =>
      this.#withRegistry(connection, log =>
        this.#source.durably(connection, () => writing(connection, () => work(log))),
      ),
    )
  }

  /** Runs the work, once the file has the dictionary and the tables of the registry. */
  #withRegistry<V>(connection: Connection, work: (log: Log) => V): V {
    this.#ensure(connection)
    try {
      return work(this.#logOf(connection))
    } catch (error) {
      if (!isRegistryMissing(error)) throw error
      this.#create(connection)
      return work(this.#logOf(connection))
    } finally {
      this.#lastHead = undefined
    }
  }

  /** Writes to the history, once the file has its tables. */
  #administer<V>(connection: Connection, work: (log: Log) => V): V {
    this.#create(connection)
    return this.#source.durably(connection, () => {
      try {
        return writing(connection, () => work({ connection, dictionary: this.name }))
      } finally {
        this.#lastHead = undefined
      }
    })
  }

  /** Notifies this backend's own listeners in the next turn, as if another process had committed. */
  async #nextTurn(): Promise<void> {
    await new Promise(setImmediate)
    this.#turn = undefined
    for (const feed of this.#feeds) feed.ask()
  }

  /** Returns the current head. Reads it only if the signal shows another commit. */
  #head(connection: Connection): Head | NoHead {
    const last = this.#lastHead
    const signal = this.#source.signal(connection)
    if (last && last.connection === connection && signal !== undefined && last.signal === signal) return last.head
    const head = reading(connection, () => readHead(connection, this.name))
    this.#lastHead = { head, connection, signal }
    return head
  }

  /** Returns the current head. Creates the dictionary if it is missing. */
  #ensure(connection: Connection): Head {
    const head = this.#head(connection)
    return head.version === undefined ? this.#create(connection) : head
  }

  #create(connection: Connection): Head {
    if (this.#readOnly) throw unavailable(NOT_CREATED, this.#source.place)
    this.#lastHead = undefined
    return this.#source.durably(connection, () => createHead(connection, this.name))
  }

  #load(connection: Connection): State<Stored> {
    this.#followEdits(connection)
    const state = this.#state(connection)
    if (state) return state
    this.#create(connection)
    return this.#state(connection) ?? this.#removed()
  }

  #followEdits(connection: Connection): void {
    const isMissing = reading(connection, () => lacksEdits({ connection, dictionary: this.name }))
    if (isMissing) repairEdits(this.#source.place, this.#readOnly ? undefined : () => this.#create(connection))
  }

  /** Returns `undefined` if the file does not contain the dictionary. */
  #state(connection: Connection): State<Stored> | undefined {
    return reading(connection, () => {
      const { version } = readHead(connection, this.name)
      const entries = version === undefined ? undefined : this.#entries.read(connection)
      return version === undefined || !entries ? undefined : { version, entries }
    })
  }

  #removed(): never {
    throw unavailable('the dictionary was removed while it was being created.', this.#source.place)
  }

  #look(): Sight {
    return this.#attempt(readFault, connection => ({ version: this.#head(connection).version, connection }))
  }

  #read<V>(work: (connection: Connection) => V): Awaitable<V> {
    return this.#patience.until(() => this.#attempt(readFault, work))
  }

  #write<V>(work: (connection: Connection) => V, signal?: AbortSignal): Awaitable<V> {
    return this.#patience.until(() => this.#attempt(writeFault, work), signal)
  }

  /** Makes one attempt. Passes lock errors on unchanged, and converts other errors to the library's own. */
  #attempt<V>(fault: typeof readFault, work: (connection: Connection) => V): V {
    try {
      return work(this.#source.connection())
    } catch (error) {
      if (isLocked(error)) throw error
      if (isBreaking(error)) this.#source.renew()
      throw fault(error, this.#source.place)
    }
  }

  #single(operation: Operation<Stored>): Awaitable<unknown> {
    const batch = { id: crypto.randomUUID(), groups: [{ conditions: [], operations: [operation] }] }
    const committed = this.commit(batch, '')
    return committed instanceof Promise ? committed.then(resultOf) : resultOf(committed)
  }

  #stop(feed: Feed): void {
    feed.stop()
    this.#feeds.delete(feed)
  }
}

function resultOf({ outcomes: [outcome] }: Committed<Stored>): unknown {
  if (outcome?.status === 'refused') throw outcome.error
  return outcome?.status === 'done' ? outcome.results[0] : undefined
}
