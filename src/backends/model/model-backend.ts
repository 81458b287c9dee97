import type {
  Backend,
  Batch,
  CatchUp,
  Committed,
  Group,
  Listener,
  Outcome,
  State,
  Unsubscribe,
  ValueKind,
  Version,
} from '../../contract/backend.js'
import { CommittingBackend } from '../../contract/committing-backend.js'
import type { HistoryPage, HistoryPolicy, HistoryQuery } from '../../contract/history.js'
import type { Presence, Registration, Registry } from '../../contract/presence.js'
import { UnsupportedError } from '../../errors/errors.js'
import type { Notifications } from '../sql/notifications/notifications.js'
import type { TriggeredTable } from '../sql/triggers/triggered-table.js'
import { again, GivenUp } from './again.js'
import { ApplicationTransaction } from './commits/application-transaction.js'
import { Commits, type CommitsOptions } from './commits/commits.js'
import { announce, type Known } from './commits/touch.js'
import { isRefusal, notWritten } from './faults.js'
import type { ModelReplicas } from './replicas/model-replicas.js'
import type { Stored } from './table/stored.js'
import type { PastCommits } from './versions/versions.js'

/** The time limit of a load, in ms, for libraries that limit transactions. The dictionary limits each step. */
const LOAD_LIMIT = 600_000

const UNKNOWN: Known = { before: () => undefined, attribution: undefined }

/** The parts of a model's backend. */
export interface ModelBackendOptions extends CommitsOptions {
  /** Describes the table for triggers. Missing if the versions are in a cache. */
  readonly triggered: TriggeredTable | undefined
  readonly valueKind: ValueKind
  /** How often a live dictionary polls without notifications, in ms. */
  readonly pollEvery: number
  readonly notifications: Notifications | undefined
}

/**
 * A dictionary in a model of the application's own database. Linearizable: a write excludes all other writes through
 * dictionaries, and every commit moves the version that readers compare.
 */
export class ModelBackend extends CommittingBackend<Stored> implements Backend<Stored> {
  readonly storeKind = 'model'
  readonly name: string
  readonly valueKind: ValueKind
  readonly pollEvery: number
  readonly supports
  readonly #options: ModelBackendOptions
  readonly #commits: Commits

  constructor(options: ModelBackendOptions) {
    super()
    this.#options = options
    this.#commits = new Commits(options)
    this.name = options.name
    this.valueKind = options.valueKind
    this.pollEvery = options.pollEvery
    this.supports = {
      changesSince: options.versions.changesSince !== undefined,
      registerMaxStaleness: options.versions.recordsBounds,
      subscribe: options.notifications !== undefined,
      history: options.versions.history !== undefined,
      presence: options.replicas !== undefined,
    }
  }

  restrictToReads(): void {
    this.#options.versions.restrictToReads()
  }

  lastUpdated(): Promise<Version> {
    return this.#again(() => this.#options.versions.current())
  }

  changesSince(since: Version): Promise<CatchUp<Stored>> {
    const { versions } = this.#options
    return this.#again(() => versions.changesSince?.(since) as Promise<CatchUp<Stored>>)
  }

  /** One consistent state, as far as it was written through dictionaries. */
  load(progress: () => void): Promise<State<Stored>> {
    const { manager, versions, rows } = this.#options
    const told = () => {
      try {
        progress()
      } catch (cause) {
        throw new GivenUp('No one waits any more', { cause })
      }
    }
    return this.#again(async () => {
      await versions.current()
      told()
      return manager.transaction(
        async session => ({ version: await versions.loading(session), entries: await rows.all(session, told) }),
        { ...versions.loadIsolation, limit: LOAD_LIMIT },
      )
    })
  }

  commit(batch: Batch<Stored>, since: Version, signal?: AbortSignal): Promise<Committed<Stored>> {
    return this.#commits.commit(batch, since, signal)
  }

  noteCaller(group: Group<Stored>): void {
    this.#options.callers?.note(group)
  }

  async registerMaxStaleness(ms: number): Promise<void> {
    const { versions, replicas } = this.#options
    await this.#again(() => (replicas ?? versions).registerMaxStaleness(ms))
  }

  register(presence: Presence, ttl: number): Promise<Registration> {
    return this.#again(() => this.#replicas.register(presence, ttl))
  }

  leave(id: string): Promise<void> {
    return this.#again(() => this.#replicas.leave(id))
  }

  replicas(): Promise<Registry> {
    return this.#again(() => this.#replicas.read())
  }

  acknowledge(id: string, version: Version): Promise<void> {
    return this.#again(() => this.#replicas.acknowledge(id, version))
  }

  awaitAcknowledgements(
    version: Version,
    ids: readonly string[],
    acknowledged: (id: string) => void,
    signal: AbortSignal,
  ): Promise<void> {
    return this.#replicas.awaitAcknowledgements(version, ids, acknowledged, signal)
  }

  /** The dictionary calls these methods only if there is a registry: see `supports`. */
  get #replicas(): ModelReplicas {
    return this.#options.replicas as ModelReplicas
  }

  async subscribe(listener: Listener<Stored>): Promise<Unsubscribe> {
    return (this.#options.notifications as Notifications).subscribe(listener)
  }

  history(query: HistoryQuery): Promise<HistoryPage<Stored>> {
    return this.#again(async () => this.#past().page(query))
  }

  setHistoryPolicy(policy: HistoryPolicy): Promise<void> {
    return this.#again(async () => this.#past().setPolicy(policy))
  }

  forgetAuthor(by: string): Promise<number> {
    return this.#again(async () => this.#past().forgetAuthor(by))
  }

  #past(): PastCommits {
    const { versions, name } = this.#options
    if (versions.history) return versions.history
    throw new UnsupportedError(
      `The versions of dictionary "${name}" are kept in a cache, which cannot keep a history: open it without "cache".`,
      { dictionary: name },
    )
  }

  /**
   * Makes every process read these rows again, or all rows if no key is named, after others have changed them. Without keys the
   * history begins again: nobody knows what it was that changed.
   *
   * @param known - for the history: what the caller knew of each key, and who the caller is.
   */
  async touch(keys: readonly string[], known: Known = UNKNOWN): Promise<void> {
    const { name: dictionary } = this.#options
    // It is idempotent.
    await this.#again(() => announce({ ...this.#options, dictionary }, keys, known)).catch(error =>
      Promise.reject(notWritten(error, dictionary)),
    )
  }

  /** @throws TypeError unless it is a transaction of the model's library. */
  within(transaction: unknown): ApplicationTransaction {
    const { manager, name } = this.#options
    const session = Object(transaction) === transaction ? manager.within?.(transaction as object) : undefined
    if (session) return new ApplicationTransaction({ ...this.#options, session })
    throw new TypeError(
      `in() of dictionary "${name}" takes what the transaction callback of ${manager.library} gets, while the transaction is open.`,
    )
  }

  refuses(error: unknown): boolean {
    return isRefusal(error)
  }

  async close(): Promise<void> {
    await this.#options.notifications?.close()
  }

  #again<V>(work: () => Promise<V>): Promise<V> {
    return again(this.#options.timeout, work)
  }

  protected async commitGroups(groups: readonly Group<Stored>[]): Promise<readonly Outcome[]> {
    const batch = { id: crypto.randomUUID(), groups }
    return (await this.commit(batch, '', AbortSignal.timeout(this.#options.timeout))).outcomes
  }
}
