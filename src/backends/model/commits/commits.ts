import type { Batch, Committed, Version } from '../../../contract/backend.js'
import { DurableDictError } from '../../../errors/errors.js'
import { delay as pause } from '../../../time/clock.js'
import { type Dialect, run } from '../../sql/dialect.js'
import { isConflict, isDuplicate, isLockTimeout, isRefusal } from '../../sql/error-kinds.js'
import type { Callers } from '../callers.js'
import { notWritten, refused, unknownOutcome } from '../faults.js'
import type { ModelManager } from '../managers/manager.js'
import type { ModelReplicas } from '../replicas/model-replicas.js'
import type { Rows } from '../table/rows.js'
import type { Stored } from '../table/stored.js'
import type { Versions } from '../versions/versions.js'
import { commitApart, commitTogether, DUPLICATES, type Executed } from './commit.js'
import { LockPatience } from './lock-patience.js'
import type { OneStatementCommits } from './one-statement.js'
import { CommitFailed, type Interruptible, inTransaction, type NotCommitted } from './transactions.js'
import { textsOf } from './values-in-messages.js'
import { keysOf } from './working-set.js'

/** The longest pause before a retry, in ms. Pauses are random, so that conflicting transactions do not meet again. */
export const LONGEST_PAUSE = 50

/** The number of retries after a failed connection: pools hand out connections that a restarted server has closed. */
const FAULTS = 2

/** What commits are made with. */
export interface CommitsOptions {
  readonly name: string
  readonly manager: ModelManager
  readonly dialect: Dialect
  readonly versions: Versions
  readonly rows: Rows
  /** The time limit of a call, in ms. */
  readonly timeout: number
  /** Missing if groups run no function of the application. */
  readonly callers?: Callers | undefined
  /** Missing if there is no registry. */
  readonly replicas?: ModelReplicas | undefined
  /** Missing if every commit is a transaction. */
  readonly oneStatement?: OneStatementCommits | undefined
}

/** Commits batches: in one statement if that is enough, otherwise in transactions, until one succeeds. */
export class Commits {
  readonly #options: CommitsOptions

  constructor(options: CommitsOptions) {
    this.#options = options
  }

  /** Retries after a deadlock, a serialization failure, or a row that others have just inserted. */
  async commit(batch: Batch<Stored>, since: Version, signal?: AbortSignal): Promise<Committed<Stored>> {
    const { name, timeout } = this.#options
    const tries: Tries = { apart: false, duplicates: 0, faults: 0, locks: new LockPatience(timeout / 2) }
    const quick = await this.#inOneStatement(batch, since, signal)
    if (quick) return quick
    for (let last: unknown; ; ) {
      try {
        const { committed, next } = await this.#attempt(batch, since, tries, signal)
        this.#options.oneStatement?.note(next)
        return committed
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

  /** Returns `undefined` if nothing was written. */
  async #inOneStatement(batch: Batch<Stored>, since: Version, signal?: AbortSignal) {
    try {
      return await this.#options.oneStatement?.commit(batch, since, signal)
    } catch (error) {
      if (error instanceof CommitFailed) return this.#learn(error as CommitFailed<Executed>, signal)
      throw error
    }
  }

  #attempt(batch: Batch<Stored>, since: Version, { apart, locks }: Tries, signal?: AbortSignal): Promise<Executed> {
    const { manager, versions, rows, dialect, timeout, name: dictionary, callers, replicas } = this.#options
    const execute = apart ? commitApart : commitTogether
    const interruptible = this.#interruptible()
    return inTransaction(
      manager,
      session =>
        execute(
          { session, versions, rows, dialect, dictionary, callers, replicas, timeout, interruptible, ...locks.options },
          batch,
          since,
        ),
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
    const { committed, next } = failed.result
    if (isConflict(failed.cause)) return undefined
    while (versions.outcome && !signal?.aborted) {
      try {
        const tookEffect = next !== undefined && (await versions.outcome(next))
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
}

interface Tries {
  /** Whether each group is now executed by itself. */
  apart: boolean
  duplicates: number
  faults: number
  readonly locks: LockPatience
}

/** Returns whether to retry a transaction that was rolled back, and records how. */
function mayPass(cause: unknown, tries: Tries): boolean {
  if (cause instanceof DurableDictError && !tries.apart) {
    tries.apart = cause.code !== 'DURABLEDICT_STORE_UNAVAILABLE' && cause.code !== 'DURABLEDICT_UNSUPPORTED'
    return tries.apart
  }
  if (isConflict(cause)) return true
  if (isLockTimeout(cause)) {
    tries.apart = tries.locks.isOver()
    return true
  }
  if (isDuplicate(cause) && tries.duplicates < DUPLICATES) {
    tries.duplicates += 1
    return true
  }
  // The cause may be one group's write or the connection. Executing each group by itself shows which.
  tries.apart = true
  tries.faults += 1
  return tries.faults <= FAULTS
}
