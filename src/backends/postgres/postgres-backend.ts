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
  Version,
} from '../../contract/backend.js'
import { CommittingBackend } from '../../contract/committing-backend.js'
import type { HistoryPage, HistoryPolicy, HistoryQuery } from '../../contract/history.js'
import type { Presence, Registration, Registry } from '../../contract/presence.js'
import { isRefusedForGood } from '../sql/error-kinds.js'
import { parseVersion } from '../sql/version.js'
import type { PostgresClient } from './clients/client.js'
import { Execution } from './execution.js'
import { Feed } from './feed.js'
import { PostgresHistory } from './history.js'
import { Reader } from './reader.js'
import { PostgresReplicas } from './replicas.js'
import type { Stored } from './stored-form.js'
import { WithinTransaction } from './within-transaction.js'
import { Writer } from './writer.js'

export interface PostgresBackendOptions {
  readonly name: string
  readonly client: PostgresClient
  readonly schemaName: string
  /** The time limit of a call, in ms. */
  readonly timeout: number
  /** How often a live dictionary polls without notifications, in ms. */
  readonly pollEvery: number
}

/**
 * A dictionary in tables of PostgreSQL. Linearizable: a commit locks the row of the dictionary's head, and every commit moves the version
 * that readers compare.
 */
export class PostgresBackend extends CommittingBackend<Stored> implements Backend<Stored> {
  readonly storeKind = 'postgres'
  readonly name: string
  readonly pollEvery: number
  readonly #options: PostgresBackendOptions
  readonly #execution: Execution
  readonly #reader: Reader
  readonly #writer: Writer
  readonly #history: PostgresHistory
  readonly #replicas: PostgresReplicas
  #feed: Feed | undefined

  constructor(options: PostgresBackendOptions) {
    super()
    const { name, client, schemaName, timeout, pollEvery } = options
    this.name = name
    this.pollEvery = pollEvery
    this.#options = options
    this.#execution = new Execution({ client, dictionary: name, schemaName, timeout })
    this.#reader = new Reader(this.#execution)
    this.#replicas = new PostgresReplicas(this.#execution)
    this.#writer = new Writer(this.#execution, this.#reader)
    this.#history = new PostgresHistory(this.#execution)
  }

  restrictToReads(): void {
    this.#execution.onlyReads = true
  }

  lastUpdated(): Promise<Version> {
    return this.#reader.version()
  }

  changesSince(since: Version): Promise<CatchUp<Stored>> {
    return this.#reader.changesSince(since)
  }

  load(progress: () => void): Promise<State<Stored>> {
    return this.#reader.load(progress)
  }

  commit(batch: Batch<Stored>, since: Version, signal?: AbortSignal): Promise<Committed<Stored>> {
    // Without the table, the dictionary waits for the largest recorded bound.
    const asks = batch.acknowledge && !this.#replicas.isMissing
    return this.#writer.commit({ ...batch, acknowledge: asks }, since, signal)
  }

  /** @throws TypeError if it is not a transaction of a supported client. */
  within(transaction: unknown): WithinTransaction {
    return new WithinTransaction(transaction, this.#execution)
  }

  async registerMaxStaleness(ms: number): Promise<void> {
    await this.#reader.version()
    await this.#replicas.registerMaxStaleness(ms)
  }

  register(presence: Presence, ttl: number): Promise<Registration> {
    return this.#replicas.register(presence, ttl)
  }

  leave(id: string): Promise<void> {
    return this.#replicas.leave(id)
  }

  replicas(): Promise<Registry> {
    return this.#replicas.read()
  }

  acknowledge(id: string, version: Version): Promise<void> {
    return this.#replicas.acknowledge(id, version)
  }

  awaitAcknowledgements(
    version: Version,
    ids: readonly string[],
    acknowledged: (id: string) => void,
    signal: AbortSignal,
  ): Promise<void> {
    const feed = this.#feed
    const woken = feed && ((wake: () => void) => feed.wake(wake))
    return this.#replicas.awaitAcknowledgements(version, ids, acknowledged, signal, woken)
  }

  async subscribe(listener: Listener<Stored>): Promise<Unsubscribe> {
    const { stored, form } = await this.#execution.target()
    const { client, schemaName, timeout, pollEvery, name: dictionary } = this.#options
    const epoch = parseVersion(this.#reader.seen ?? (await this.#reader.version()))?.epoch
    const options = { client, dictionary, stored, schemaName, timeout, pollEvery, unsafe: form.unsafe }
    this.#feed ??= new Feed(options, epoch)
    this.#reader.onEpoch = one => this.#feed?.follow(one)
    return this.#feed.subscribe(listener)
  }

  history(query: HistoryQuery): Promise<HistoryPage<Stored>> {
    return this.#history.page(query)
  }

  async setHistoryPolicy(policy: HistoryPolicy): Promise<void> {
    await this.#reader.version()
    await this.#history.setPolicy(policy)
  }

  forgetAuthor(by: string): Promise<number> {
    return this.#history.forgetAuthor(by)
  }

  refuses(error: unknown): boolean {
    return isRefusedForGood(error)
  }

  async close(): Promise<void> {
    await this.#feed?.close()
    await this.#options.client.close?.()
  }

  protected async commitGroups(groups: readonly Group<Stored>[]): Promise<readonly Outcome[]> {
    const batch = { id: crypto.randomUUID(), groups }
    return (await this.commit(batch, '', AbortSignal.timeout(this.#options.timeout))).outcomes
  }
}
