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
import {
  type Attribution,
  type HistoryPage,
  type HistoryPolicy,
  type HistoryQuery,
  keyChange,
  noteOf,
} from '../../contract/history.js'
import { DurableDictError, UnsupportedError } from '../../errors/errors.js'
import { now, delay as pause } from '../../time/clock.js'
import { type Dialect, run } from '../sql/dialect.js'
import { isConflict, isDuplicate, isRefusal } from '../sql/error-kinds.js'
import type { Notifications } from '../sql/notifications/notifications.js'
import type { Callers } from './callers.js'
import { commitApart, commitTogether, DUPLICATES, type Executed } from './commits/commit.js'
import { untilCommitted } from './commits/rows-in-use.js'
import { CommitFailed, type Interruptible, inTransaction, type NotCommitted } from './commits/transactions.js'
import { textsOf } from './commits/values-in-messages.js'
import { keysOf } from './commits/working-set.js'
import { notWritten, refused, unknownOutcome } from './faults.js'
import type { ModelManager, ModelSession } from './managers/manager.js'
import type { Rows } from './table/rows.js'
import type { Stored } from './table/stored.js'
import type { PastCommits, Versions } from './versions/versions.js'

/** The longest pause before a retry, in ms. Pauses are random, so that conflicting transactions do not meet again. */
const LONGEST_PAUSE = 50

/** The number of retries after a failed connection: pools hand out connections that a restarted server has closed. */
const FAULTS = 2

/** The time limit of a load, in ms, for libraries that limit transactions. The dictionary limits each step. */
const LOAD_LIMIT = 600_000

/** What the caller of `touch` knows. */
interface Known {
  before(key: string): Stored | undefined
  readonly attribution: Attribution | undefined
}

const UNKNOWN: Known = { before: () => undefined, attribution: undefined }

/** The caller of a load has stopped waiting. */
class GivenUp extends Error {}

/** The parts of a model's backend. */
export interface ModelBackendOptions {
  readonly name: string
  readonly manager: ModelManager
  readonly dialect: Dialect
  readonly versions: Versions
  readonly rows: Rows
  readonly valueKind: ValueKind
  /** The time limit of a call, in ms. */
  readonly timeout: number
  /** How often a live dictionary polls without notifications, in ms. */
  readonly pollEvery: number
  readonly notifications: Notifications | undefined
  /** Missing if groups run no function of the application. */
  readonly callers?: Callers | undefined
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

  constructor(options: ModelBackendOptions) {
    super()
    this.#options = options
    this.name = options.name
    this.valueKind = options.valueKind
    this.pollEvery = options.pollEvery
    this.supports = {
      changesSince: options.versions.changesSince !== undefined,
      registerMaxStaleness: options.versions.recordsBounds,
      subscribe: options.notifications !== undefined,
      history: options.versions.history !== undefined,
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

  /** Runs one transaction. Retries after a deadlock, a serialization failure, or a row that others have just inserted. */
  async commit(batch: Batch<Stored>, since: Version, signal?: AbortSignal): Promise<Committed<Stored>> {
    const { name, timeout } = this.#options
    const tries = { apart: false, duplicates: 0, faults: 0 }
    for (let last: unknown; ; ) {
      try {
        return (await this.#attempt(batch, since, tries.apart, signal)).committed
      } catch (error) {
        last = (error as NotCommitted).cause
        if (error instanceof CommitFailed && !isRefusal(error.cause)) {
          const committed = await this.#learn(error as CommitFailed<Executed>, signal)
          if (committed) return committed
        } else if (!signal?.aborted && !mayPass((error as NotCommitted).cause, tries)) {
          throw this.#notWritten(batch, (error as NotCommitted).cause)
        }
      }
      // If it is cancelled during a pause, it reports immediately that nothing was written.
      await pause(Math.random() * LONGEST_PAUSE, undefined, signal && { signal: signal }).catch(() => {})
      if (signal?.aborted) {
        throw notWritten(new Error(`It took longer than ${timeout} ms (option "timeout").`, { cause: last }), name)
      }
    }
  }

  noteCaller(group: Group<Stored>): void {
    this.#options.callers?.note(group)
  }

  async registerMaxStaleness(ms: number): Promise<void> {
    await this.#again(() => this.#options.versions.registerMaxStaleness(ms))
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
  async touch(keys: readonly string[], { before, attribution }: Known = UNKNOWN): Promise<void> {
    const { manager, versions, rows, dialect, timeout, name } = this.#options
    const signal = AbortSignal.timeout(timeout)
    const announce = async (session: ModelSession) => {
      const writing = await versions.writing(session, [])
      await untilCommitted({ session, rows, dialect, dictionary: name, timeout }, keys)
      const found = await rows.find(session, keys)
      const effects = keys.map(key => {
        const stored = found.get(key)
        return stored === undefined ? ({ type: 'delete', key } as const) : ({ type: 'set', key, stored } as const)
      })
      const changes = [...new Set(keys)].map(key => keyChange(key, before(key), found.get(key)))
      const by = { ...attribution, via: 'outside' } as const
      const told = { commits: [{ attribution: by, changes }], notes: [noteOf(by, effects.length)] }
      if (keys.length > 0) await writing.advance(effects, crypto.randomUUID(), told)
      else await writing.advance(undefined, crypto.randomUUID())
    }
    // It is idempotent.
    await this.#again(() => inTransaction(manager, announce, { limit: timeout }, signal).catch(unwrapped)).catch(
      error => Promise.reject(notWritten(error, name)),
    )
  }

  async close(): Promise<void> {
    await this.#options.notifications?.close()
  }

  #attempt(batch: Batch<Stored>, since: Version, apart: boolean, signal?: AbortSignal): Promise<Executed> {
    const { manager, versions, rows, dialect, timeout, name: dictionary, callers } = this.#options
    const execute = apart ? commitApart : commitTogether
    const interruptible = this.#interruptible()
    return inTransaction(
      manager,
      session =>
        execute({ session, versions, rows, dialect, dictionary, callers, timeout, interruptible }, batch, since),
      { limit: timeout },
      signal,
      interruptible,
    )
  }

  #interruptible(): Interruptible {
    const { manager, dialect } = this.#options
    return {
      connection: undefined,
      interrupt: async connection => dialect.interrupt && run(manager, dialect, dialect.interrupt(connection)),
    }
  }

  /** Finds out the result of a commit that had no answer. Returns `undefined` if it did not take effect. */
  async #learn(failed: CommitFailed<Executed>, signal?: AbortSignal): Promise<Committed<Stored> | undefined> {
    const { versions, name } = this.#options
    const { committed, writing } = failed.result
    if (isConflict(failed.cause)) return undefined
    while (versions.outcome && !signal?.aborted) {
      try {
        const tookEffect = await versions.outcome(writing)
        if (tookEffect === false) return undefined
        if (tookEffect) return committed
        break
      } catch {
        await pause(LONGEST_PAUSE)
      }
    }
    throw unknownOutcome(failed.cause, name)
  }

  /** A deferred constraint that fails at COMMIT refuses the group, if there is only one. */
  #notWritten({ groups }: Batch<Stored>, cause: unknown): DurableDictError {
    const { name } = this.#options
    const [group] = groups
    if (!group || groups.length > 1 || !isRefusal(cause)) return notWritten(cause, name)
    return refused(cause, name, keysOf(groups), textsOf(group))
  }

  /**
   * Retries a read after conflicts, within the call's time limit, and once after another failure: pools hand out connections that a
   * restarted server has closed.
   */
  async #again<V>(read: () => Promise<V>): Promise<V> {
    const end = now() + this.#options.timeout
    for (let faults = 0; ; ) {
      try {
        return await read()
      } catch (error) {
        if (error instanceof DurableDictError || error instanceof GivenUp || now() > end) throw error
        if (!isConflict(error)) faults += 1
        if (faults > 1) throw error
        if (faults === 0) await pause(Math.random() * LONGEST_PAUSE)
      }
    }
  }

  protected async commitGroups(groups: readonly Group<Stored>[]): Promise<readonly Outcome[]> {
    const batch = { id: crypto.randomUUID(), groups }
    return (await this.commit(batch, '', AbortSignal.timeout(this.#options.timeout))).outcomes
  }
}

/** Rejects with the cause of a failed transaction. */
function unwrapped(error: unknown): Promise<never> {
  const { cause } = error as { cause?: unknown }
  return Promise.reject(cause ?? error)
}

interface Tries {
  /** Whether each group is now executed by itself. */
  apart: boolean
  duplicates: number
  faults: number
}

/** Returns whether to retry a transaction that was rolled back, and records how. */
function mayPass(cause: unknown, tries: Tries): boolean {
  if (cause instanceof DurableDictError && !tries.apart) {
    tries.apart = cause.code !== 'DURABLEDICT_STORE_UNAVAILABLE' && cause.code !== 'DURABLEDICT_UNSUPPORTED'
    return tries.apart
  }
  if (isConflict(cause)) return true
  if (isDuplicate(cause) && tries.duplicates < DUPLICATES) {
    tries.duplicates += 1
    return true
  }
  // The cause may be one group's write or the connection. Executing each group by itself shows which.
  tries.apart = true
  tries.faults += 1
  return tries.faults <= FAULTS
}
