import { DurableDictError } from '../errors/errors.js'
import { now } from '../time/clock.js'
import { type Channels, channels } from './channels.js'
import { faultOf } from './fault.js'
import type {
  CheckMessage,
  CommitMessage,
  ConflictMessage,
  DiagnosticFault,
  DiagnosticSubject,
  FreshMessage,
  LoadMessage,
  OpenMessage,
  StaleMessage,
  SyncMessage,
} from './messages.js'
import { type Counts, noCounts, type Stats } from './stats.js'

/** The longest name of a kind of store, in characters: it becomes a label. */
const MAX_STORE = 40

/** What a write came to, as a backend reports it. */
interface CommitResult {
  readonly status: 'done' | 'conflict' | 'refused'
  readonly error?: unknown
}

/** The store's latest failure to answer. */
export interface Failure extends DiagnosticFault {
  /** On the monotonic clock, in ms. */
  readonly at: number
}

/**
 * What one dictionary publishes and counts. Messages contain neither keys nor values, and are built only for channels that have
 * subscribers.
 */
export class Diagnostics {
  readonly subject: DiagnosticSubject
  readonly #counts: Counts = noCounts()
  readonly #channels: Channels = channels()
  #failure: Failure | undefined

  /** @param kind - the kind of store, as the backend names it. */
  constructor(name: string, kind: unknown) {
    const isName = typeof kind === 'string' && kind.length > 0 && kind.length <= MAX_STORE
    this.subject = { name, store: isName ? kind : 'custom' }
  }

  get stats(): Stats {
    return { ...this.#counts }
  }

  /** Why the store did not answer the latest call; `undefined` if it did. */
  get failure(): Failure | undefined {
    return this.#failure
  }

  open<V>(work: () => Promise<V>): Promise<V> {
    const { open } = this.#channels
    if (!open.hasSubscribers) return work()
    const message: OpenMessage = { ...this.subject }
    return open.run(message, work) as Promise<V>
  }

  /** @param awaited - whether a caller waits for the check. */
  check(awaited: boolean, work: () => void | Promise<void>): void | Promise<void> {
    this.#counts.checks += 1
    const { check } = this.#channels
    if (!check.hasSubscribers) return this.#counted('failedChecks', work)
    const message: CheckMessage = { ...this.subject, awaited }
    return check.run(message, () => this.#counted('failedChecks', work))
  }

  load<V extends { readonly entries: Iterable<unknown> }>(work: () => Promise<V>): Promise<V> {
    this.#counts.loads += 1
    const { load } = this.#channels
    if (!load.hasSubscribers) return this.#counted('failedLoads', work) as Promise<V>
    const message: LoadMessage = { ...this.subject }
    const conclude = ({ entries }: V) => {
      message.entries = lengthOf(entries)
    }
    return load.run(message, () => this.#counted('failedLoads', work), conclude) as Promise<V>
  }

  /** Runs one write of a caller. */
  commit<V extends CommitResult>(operations: number, work: () => Promise<V>): Promise<V> {
    const { commit } = this.#channels
    if (!commit.hasSubscribers) return this.#countedCommit(work)
    const message: CommitMessage = { ...this.subject, operations }
    const conclude = (result: V) => {
      if (result.status === 'conflict') message.outcome = 'conflict'
      return result.error
    }
    return commit.run(message, () => this.#countedCommit(work), conclude) as Promise<V>
  }

  synced(reason: SyncMessage['reason'], changes: number): void {
    this.#counts.changes += changes
    if (reason === 'diverged') this.#counts.divergences += 1
    const { sync } = this.#channels
    if (sync.hasSubscribers) sync.publish({ ...this.subject, reason, changes } satisfies SyncMessage)
  }

  stale(staleness: number, error: unknown): void {
    this.#counts.outages += 1
    const cause = error === undefined ? undefined : faultOf(error)
    if (cause) this.#failure = { ...cause, at: now() }
    const { stale } = this.#channels
    if (stale.hasSubscribers) stale.publish({ ...this.subject, staleness, cause } satisfies StaleMessage)
  }

  fresh(staleness: number): void {
    this.#failure = undefined
    const { fresh } = this.#channels
    if (fresh.hasSubscribers) fresh.publish({ ...this.subject, staleness } satisfies FreshMessage)
  }

  #counted<V>(failed: 'failedChecks' | 'failedLoads', work: () => V | Promise<V>): V | Promise<V> {
    const fault = (error: unknown) => {
      this.#counts[failed] += 1
      this.#noteFailure(error)
    }
    try {
      const answer = work()
      if (answer instanceof Promise) answer.then(() => this.#answered(), fault)
      else this.#answered()
      return answer
    } catch (error) {
      fault(error)
      throw error
    }
  }

  /** Counts beside the write, which does not wait for it. */
  #countedCommit<V extends CommitResult>(work: () => Promise<V>): Promise<V> {
    const answer = work()
    answer.then(
      ({ status }) => this.#committed(status),
      error => this.#notCommitted(error),
    )
    return answer
  }

  #committed(status: CommitResult['status']): void {
    if (status === 'conflict') this.#conflicted()
    else if (status === 'done') this.#counts.commits += 1
    else this.#counts.failedCommits += 1
    this.#answered()
  }

  #conflicted(): void {
    this.#counts.conflicts += 1
    const { conflict } = this.#channels
    if (conflict.hasSubscribers) conflict.publish({ ...this.subject } satisfies ConflictMessage)
  }

  #notCommitted(error: unknown): void {
    this.#counts.failedCommits += 1
    this.#noteFailure(error)
  }

  #answered(): void {
    this.#failure = undefined
  }

  /** Remembers errors that say that the store did not answer, rather than that it refused something. */
  #noteFailure(error: unknown): void {
    if (error instanceof DurableDictError && NO_ANSWER.has(error.code)) this.#failure = { ...faultOf(error), at: now() }
  }
}

const NO_ANSWER: ReadonlySet<string> = new Set(['DURABLEDICT_STORE_UNAVAILABLE', 'DURABLEDICT_AMBIGUOUS_WRITE'])

/** Without iterating: what is iterated once may be gone. */
function lengthOf(entries: Iterable<unknown>): number {
  if (entries instanceof Map) return entries.size
  return Array.isArray(entries) ? entries.length : 0
}
