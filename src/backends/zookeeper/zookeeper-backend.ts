import type {
  Awaitable,
  Backend,
  Batch,
  CatchUp,
  Change,
  Committed,
  Freshness,
  Group,
  Listener,
  Outcome,
  State,
  Unsubscribe,
  Version,
} from '../../contract/backend.js'
import { CommittingBackend } from '../../contract/committing-backend.js'
import type { HistoryPage, HistoryPolicy, HistoryQuery } from '../../contract/history.js'
import type { Presence, Registration, Registry as RegistryPage } from '../../contract/presence.js'
import { ClosedError } from '../../errors/errors.js'
import { DEFAULT_TIMEOUT } from '../../time/default-timeout.js'
import { isRefused, readFault } from './faults.js'
import { History } from './history.js'
import { Names } from './names.js'
import type { Found } from './outside.js'
import { Reader } from './reader.js'
import { Registry } from './registry.js'
import { Session } from './session.js'
import type { Stored } from './stored.js'
import type { Transport, TransportEvents } from './transport.js'
import { Watchdog } from './watchdog.js'
import { Writer } from './writer.js'

/**
 * A dictionary in a ZooKeeper ensemble. Supports every capability. Its checks use the latest watch event and are
 * therefore sequentially consistent, unless the caller requires more.
 */
export class ZookeeperBackend extends CommittingBackend<Stored> implements Backend<Stored> {
  readonly storeKind = 'zookeeper'
  readonly name: string
  readonly valueKind = 'bytes'
  readonly supports = { linearizable: false } as const
  readonly #session: Session
  readonly #reader: Reader
  readonly #writer: Writer
  readonly #history: History
  readonly #registry: Registry
  readonly #watchdog: Watchdog
  readonly #listeners = new Set<Listener<Stored>>()
  /** Of what external writers did. */
  #recording: Promise<void> | undefined

  /**
   * @param open - opens the session.
   * @param timeout - the time limit of a write, in ms.
   */
  constructor(path: string, open: (events: TransportEvents) => Transport, timeout = DEFAULT_TIMEOUT) {
    super()
    this.name = path
    const names = new Names(path)
    const lost = (cause: unknown) => {
      for (const listener of this.#listeners) listener.interrupted(cause)
    }
    const childrenChanged = () => this.#watchdog.hurry()
    this.#session = new Session(open, { changed: () => this.#notice(), childrenChanged, lost })
    const record = (found: Found) => {
      // A write that is in progress records it first, and so does the next one if this fails.
      this.#history.found(found)
      this.#recording = this.#writer.recordOutside().catch(() => {})
    }
    this.#reader = new Reader(this.#session, names, changes => this.#push(changes), record)
    this.#history = new History(this.#session, names)
    this.#writer = new Writer(this.#session, this.#reader, names, this.#history, timeout)
    this.#registry = new Registry(this.#session, this.#reader, names, rewrite => this.#writer.rewrite(rewrite))
    this.#watchdog = new Watchdog(this.#session, this.#reader, lost)
  }

  /** Resolves once the session is connected. */
  async ready(): Promise<void> {
    await this.#explained(this.#reader.checkPlace())
  }

  restrictToReads(): void {
    this.#reader.restrictToReads()
  }

  /** The latest reason for having no session, if known. */
  get fault(): Error | undefined {
    return this.#session.fault
  }

  /** What the session is connected to, for messages. */
  get label(): string {
    return this.#session.label
  }

  async lastUpdated(): Promise<Version> {
    return (await this.#explained(this.#reader.current('linearizable'))).version
  }

  load(progress: () => void): Promise<State<Stored>> {
    return this.#explained(this.#reader.load(progress))
  }

  changesSince(since: Version, freshness: Freshness = 'linearizable'): Awaitable<CatchUp<Stored>> {
    const answer = this.#reader.changesSince(since, freshness)
    return answer instanceof Promise ? this.#explained(answer) : answer
  }

  currentAsOf(version: Version): number | undefined {
    return this.#reader.currentAsOf(version)
  }

  commit(batch: Batch<Stored>, since: Version, signal: AbortSignal): Promise<Committed<Stored>> {
    const committing = this.#writer.commit(batch, since, signal)
    return batch.acknowledge ? this.#withRegistry(committing, signal) : committing
  }

  registerMaxStaleness(ms: number): Promise<void> {
    return this.#explained(this.#registry.registerMaxStaleness(ms))
  }

  register(presence: Presence, ttl: number): Promise<Registration> {
    return this.#explained(this.#registry.register(presence, ttl))
  }

  leave(id: string): Promise<void> {
    return this.#explained(this.#registry.leave(id))
  }

  replicas(): Promise<RegistryPage> {
    return this.#explained(this.#registry.replicas())
  }

  acknowledge(id: string, version: Version): Promise<void> {
    return this.#explained(this.#registry.acknowledge(id, version))
  }

  awaitAcknowledgements(
    version: Version,
    ids: readonly string[],
    acknowledged: (id: string) => void,
    signal: AbortSignal,
  ): Promise<void> {
    return this.#explained(this.#registry.awaitAcknowledgements(version, ids, acknowledged, signal))
  }

  history(query: HistoryQuery): Promise<HistoryPage<Stored>> {
    return this.#explained(this.#page(query))
  }

  setHistoryPolicy(policy: HistoryPolicy): Promise<void> {
    return this.#explained(this.#writer.setHistoryPolicy(policy))
  }

  forgetAuthor(by: string): Promise<number> {
    return this.#explained(this.#writer.forgetAuthor(by))
  }

  async subscribe(listener: Listener<Stored>): Promise<Unsubscribe> {
    this.#listeners.add(listener)
    // Reading sets the watch.
    await this.#explained(this.#reader.current('sequential'))
    return () => void this.#listeners.delete(listener)
  }

  refuses(error: unknown): boolean {
    return isRefused(error)
  }

  async close(): Promise<void> {
    this.#watchdog.stop()
    this.#listeners.clear()
    await this.#session.end(new ClosedError(`Dictionary "${this.name}" is closed.`, { dictionary: this.name }))
  }

  async #page(query: HistoryQuery): Promise<HistoryPage<Stored>> {
    await this.#recording
    return this.#history.page(query)
  }

  async #withRegistry(committing: Promise<Committed<Stored>>, signal: AbortSignal): Promise<Committed<Stored>> {
    const committed = await committing
    return { ...committed, registry: await this.#registry.afterWrite(committed.bound ?? 0, signal) }
  }

  /** If there are listeners, reads the changes at once; otherwise they are read at the next check. */
  #notice(): void {
    this.#writer.reported()
    if (this.#listeners.size === 0) return
    this.#reader.refresh().catch(cause => {
      for (const listener of this.#listeners) listener.interrupted(cause)
    })
  }

  #push(changes: readonly Change<Stored>[] | undefined): void {
    for (const listener of this.#listeners) {
      if (changes) for (const change of changes) listener.changed(change)
      else listener.changed()
    }
  }

  protected async commitGroups(groups: readonly Group<Stored>[]): Promise<readonly Outcome[]> {
    const batch = { id: crypto.randomUUID(), groups }
    const { version } = await this.#explained(this.#reader.mirror())
    return (await this.commit(batch, version, new AbortController().signal)).outcomes
  }

  async #explained<V>(work: Promise<V>): Promise<V> {
    try {
      return await work
    } catch (fault) {
      throw readFault(fault, this.name)
    }
  }
}
