import type { Batch, Committed, Group, Outcome, Version } from '../../contract/backend.js'
import { DurableDictError } from '../../errors/errors.js'
import { now, delay as pause } from '../../time/clock.js'
import { isConflict } from '../sql/error-kinds.js'
import { checkEncoding, readHead } from './answers.js'
import { commitCall } from './call.js'
import { type Cells, NotSent } from './clients/client.js'
import type { Execution } from './execution.js'
import { isAnswer, isBehind, isEncoding, isRefusal, isUnknown, notWritten, refused, unknownOutcome } from './faults.js'
import { APART, FAULTS, LONGEST_PAUSE } from './limits.js'
import type { Reader } from './reader.js'
import { readRegistry } from './replicas.js'
import { readOutcomes } from './request.js'
import type { Stored } from './stored-form.js'

/** Which part of the time a commit waits for the lock, so that there is time to say why. */
const WAITING = 0.8

/** Where an answer has the outcomes, the changes, and the registry if it was asked for. */
const OUTCOMES = 6
const CHANGES = 7
const REGISTRY = 8

/** The attempts to commit one batch. */
interface Attempts {
  /** A version from before the first attempt. */
  seen: Version
  readonly end: number
  /** Whether an attempt had no answer, so that it may have been executed. */
  isOpen: boolean
  faults: number
}

/**
 * Commits batches, each by one call of a function in the database. If its answer is lost, the same batch is sent again: the function
 * looks for the batch in the log, under the lock, so that it takes effect once.
 */
export class Writer {
  readonly #execution: Execution
  readonly #reader: Reader

  constructor(execution: Execution, reader: Reader) {
    this.#execution = execution
    this.#reader = reader
  }

  async commit(batch: Batch<Stored>, since: Version, signal?: AbortSignal): Promise<Committed<Stored>> {
    const { dictionary, schemaName, timeout } = this.#execution.options
    const attempts: Attempts = { seen: await this.#seen(), end: now() + timeout * WAITING, isOpen: false, faults: 0 }
    for (;;) {
      try {
        return await this.#attempt(batch, since, attempts, signal)
      } catch (error) {
        if (isEncoding(error)) checkEncoding((error as Error).message, dictionary)
        if (isAnswer(error) && isRefusal(error)) return this.#withoutRefused(error, batch, since, signal)
        const cause = error instanceof NotSent ? error.cause : error
        if (isBehind(error) && !signal?.aborted) attempts.seen = await this.#version()
        else if (!mayPass(error, attempts) || signal?.aborted) {
          throw attempts.isOpen ? unknownOutcome(cause, dictionary) : notWritten(cause, dictionary, schemaName)
        }
      }
      await pause(Math.random() * LONGEST_PAUSE, undefined, signal && { signal }).catch(() => {})
    }
  }

  async #attempt(
    batch: Batch<Stored>,
    since: Version,
    { seen, end, isOpen: isRetry }: Attempts,
    signal: AbortSignal | undefined,
  ): Promise<Committed<Stored>> {
    const { statements, options: its } = this.#execution
    const { stored: dictionary, form } = await this.#execution.target()
    const wait = end - now()
    const limit = wait + its.timeout * (1 - WAITING)
    const options = { dictionary, form, since, seen, isRetry, wait, limit }
    const rows = await this.#execution.send({ text: commitCall(batch, options, statements) }, signal)
    const committed = await this.#read(rows, batch.groups, since)
    return batch.acknowledge ? { ...committed, registry: readRegistry(rows[0]?.[REGISTRY]) } : committed
  }

  async #read(rows: readonly Cells[], groups: readonly Group<Stored>[], since: Version): Promise<Committed<Stored>> {
    const { dictionary } = this.#execution.options
    const head = readHead(rows, dictionary)
    const outcomes = readOutcomes(groups, rows[0]?.[OUTCOMES] ?? null)
    if (typeof head !== 'object' || !outcomes) {
      throw unknownOutcome(new Error('The answer of durabledict_commit_1 has an unknown shape.'), dictionary)
    }
    return { outcomes, bound: head.bound, catchUp: await this.#reader.catchUp(rows[0]?.[CHANGES] ?? null, since, head) }
  }

  /** Nothing of the batch was executed. Each group is committed by itself, so that only those fail which the database refuses. */
  async #withoutRefused(
    error: unknown,
    { id, groups, acknowledge }: Batch<Stored>,
    since: Version,
    signal: AbortSignal | undefined,
  ): Promise<Committed<Stored>> {
    const [group, ...others] = groups
    if (group && others.length === 0) {
      const outcomes = [
        { status: 'refused', error: refused(error, this.#execution.options.dictionary, keysOf(group)) },
      ] as const
      return { outcomes, catchUp: await this.#reader.changesSince(since) }
    }
    const outcomes: Outcome[] = []
    let last: Committed<Stored> | undefined
    for (const [index, one] of groups.entries()) {
      try {
        last = await this.commit({ id: `${id}${APART}${index}`, groups: [one], acknowledge }, since, signal)
      } catch (failure) {
        throw last ? unknownOutcome(failure, this.#execution.options.dictionary) : failure
      }
      outcomes.push(...last.outcomes)
    }
    return { ...(last as Committed<Stored>), outcomes }
  }

  /** The present version, for a batch of which nothing was executed. */
  async #version(): Promise<Version> {
    const { dictionary, schemaName } = this.#execution.options
    return this.#reader.version().catch(cause => Promise.reject(notWritten(cause, dictionary, schemaName)))
  }

  async #seen(): Promise<Version> {
    return this.#reader.seen ?? this.#reader.version()
  }
}

function keysOf({ operations }: Group<Stored>): string[] {
  return [...new Set(operations.flatMap(operation => (operation.type === 'clear' ? [] : [operation.key])))]
}

/** Returns whether to try again, and records why. */
function mayPass(error: unknown, attempts: Attempts): boolean {
  if (error instanceof DurableDictError || isUnknown(error)) {
    attempts.isOpen ||= isUnknown(error)
    return false
  }
  if (isAnswer(error)) return isConflict(error)
  if (!(error instanceof NotSent)) attempts.isOpen = true
  attempts.faults += 1
  return attempts.isOpen || attempts.faults <= FAULTS
}
