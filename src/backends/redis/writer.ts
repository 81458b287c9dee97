import type { Batch, CatchUp, Change, Committed, Gap } from '../../contract/backend.js'
import { AmbiguousWriteError } from '../../errors/errors.js'
import { orAborted, pause } from '../waiting.js'
import type { Caller } from './caller.js'
import type { Written } from './change-record.js'
import { ambiguous, isPassing, isTooLarge, neverSent, notWritten, replyCode } from './faults.js'
import { type Entropy, nonceOf } from './nonces.js'
import { readOutcomes } from './outcomes.js'
import type { Reader } from './reader.js'
import { type CommitReply, parseCommit } from './replies.js'
import { type Request, toRequest, withRefused } from './requests.js'
import { SCRIPTS } from './script.js'
import { gapOf, type Seals } from './seals.js'

/** How long to wait before a batch that was not answered is sent again, in ms. */
const RETRY_AFTER = 50

/** How often a batch may find its base too old before it gives up. */
const REBASES = 100

/** What has come of the sendings of one batch so far. */
interface Progress {
  base: string
  sendings: number
  rebases: number
  /** Where the changes since the base that the caller named cannot be had. */
  gap: Gap | undefined
  /** The latest reply that may be another one shortly: what a write is told that was given up meanwhile. */
  refusal: unknown
  /** The fault by which a sending was lost that may have been executed, or may yet be. */
  lost: { readonly cause: unknown } | undefined
}

/**
 * Sends batches until their outcome is known. Sent again after a lost connection, a batch keeps its base and its id, by
 * which the server knows it: it takes effect once at most.
 */
export class Writer {
  readonly #caller: Caller
  readonly #reader: Reader
  readonly #name: string
  readonly #entropy: Entropy
  readonly #seals: Seals
  /** Whether the server has found that the user has the rights that writing needs. */
  #permitted = false

  constructor(caller: Caller, reader: Reader, name: string, entropy: Entropy, seals: Seals) {
    this.#caller = caller
    this.#reader = reader
    this.#name = name
    this.#entropy = entropy
    this.#seals = seals
  }

  async commit(batch: Batch, since: string, signal: AbortSignal): Promise<Committed> {
    const request = toRequest(batch, this.#name)
    const progress: Progress = {
      base: since,
      sendings: 0,
      rebases: 0,
      gap: undefined,
      refusal: undefined,
      lost: undefined,
    }
    for (;;) {
      if (signal.aborted) throw this.#failed(signal.reason, progress)
      const waiting = this.#caller.ready()
      if (waiting) await this.#untilReady(waiting, progress, signal)
      const reply = await this.#send(request, progress, signal)
      const committed = reply && this.#take(reply, request, progress)
      if (committed) return committed
      if (!reply) await pause(RETRY_AFTER, signal)
    }
  }

  /** Once given up, nothing more is sent: what is known then is the outcome. */
  async #untilReady(waiting: Promise<void>, progress: Progress, signal: AbortSignal): Promise<void> {
    try {
      await orAborted(waiting, signal)
    } catch (cause) {
      throw this.#failed(cause, progress)
    }
  }

  /** The answer; nothing where the batch is to be sent again. */
  async #send(request: Request, progress: Progress, signal: AbortSignal): Promise<CommitReply | undefined> {
    const { driver } = this.#caller
    const { losses } = driver
    try {
      const script = request.shrinks ? SCRIPTS.shrink : SCRIPTS.commit
      const answer = await this.#caller.run(script, this.#args(request, progress), { signal: signal })
      const reply = this.#read(answer)
      this.#permitted = true
      driver.servedBefore = true
      await this.#learnSeal(reply)
      if (driver.losses === losses || this.#isFinal(reply, progress)) return reply
      progress.lost = { cause: new Error('The connection was lost, and the client sent the write again.') }
    } catch (cause) {
      this.#weigh(cause, progress)
    }
    return undefined
  }

  /** The batch was executed, whatever the client has made of the answer. */
  #read(answer: unknown): CommitReply {
    try {
      return parseCommit(answer)
    } catch (cause) {
      throw ambiguous(cause, this.#name)
    }
  }

  /** So that the changes of an answer can be read. */
  async #learnSeal(reply: CommitReply): Promise<void> {
    const unknown = reply.status !== 'stale' && reply.changes.length > 0 && !this.#seals.knows(reply.head)
    if (unknown) await this.#reader.head()
  }

  /** Whether the log holds the batch's change, so that no other sending of it can have an effect any more. */
  #isFinal(reply: CommitReply, { base }: Progress): boolean {
    if (reply.status !== 'ok') return reply.status === 'dup'
    const last = reply.changes.at(-1)
    const before = last === undefined ? base : this.#seals.open(last, reply.head)?.version
    return before !== undefined && before !== reply.head
  }

  #args({ batch, args }: Request, progress: Progress): string[] {
    progress.sendings += 1
    const flags = `${progress.lost ? 'r' : ''}${this.#permitted ? '' : 'a'}`
    return [progress.base, nonceOf(batch.id, progress.sendings), flags, this.#entropy.next(), ...args]
  }

  /** Notes what a fault means for the batch; throws where sending it again is of no use. */
  #weigh(cause: unknown, progress: Progress): void {
    if (cause instanceof AmbiguousWriteError) throw cause
    if (isPassing(cause) || this.#caller.leaves(cause)) {
      progress.refusal = cause
      return
    }
    // Neither is what was sent before: a server may cut the connection before this answer has come through.
    if (isTooLarge(cause)) throw notWritten(cause, this.#name)
    if (neverSent(cause) || replyCode(cause) !== undefined) throw this.#failed(cause, progress)
    progress.lost ??= { cause }
  }

  /** What the answer says; nothing where the batch is to be sent again from another base. */
  #take(reply: CommitReply, request: Request, progress: Progress): Committed | undefined {
    if (reply.status !== 'stale') return this.#committed(reply, request, progress)
    // Whether the lost sending was executed can no longer be told.
    if (progress.lost) throw ambiguous(progress.lost.cause, this.#name)
    progress.rebases += 1
    if (progress.rebases > REBASES) throw notWritten(new Error('The dictionary changes all the time.'), this.#name)
    progress.gap = worse(gapOf(reply.diverged), progress.gap)
    progress.base = reply.head
    return undefined
  }

  #committed(reply: Executed, request: Request, { base, gap, lost }: Progress): Committed {
    const { head, bound, changes } = reply
    const written = reply.status === 'ok' ? reply.written : this.#duplicate(reply)
    if (!written) throw ambiguous(lost?.cause ?? new Error('Its results were too large to be kept.'), this.#name)
    const read = readOutcomes(request.batch, written, this.#name)
    if (!read) throw ambiguous(new Error('What was written down of it is that of another write.'), this.#name)
    const catchUp: CatchUp = gap ? { type: 'tooOld', ...gap } : this.#seals.toCatchUp(base, head, changes)
    if (reply.status === 'ok' && catchUp.type === 'changes') {
      addOwn(catchUp.changes as Change[], base, { version: head, effects: read.effects, id: request.batch.id })
    }
    return { outcomes: withRefused(read.outcomes, request), catchUp, bound }
  }

  /** What is written down of a batch that had been executed before; nothing where that was too large, or is damaged. */
  #duplicate({ head, changes, position }: Extract<CommitReply, { status: 'dup' }>): Written | undefined {
    return this.#seals.open(changes[position - 1] as string, head)?.written
  }

  #failed(cause: unknown, { lost, refusal }: Progress): Error {
    return lost ? ambiguous(lost.cause, this.#name) : notWritten(refusal ?? cause, this.#name)
  }
}

type Executed = Exclude<CommitReply, { status: 'stale' }>

/** Appends the batch's own change, if it had an effect: the answer to the first sending brings those before it alone. */
function addOwn(changes: Change[], base: string, own: Omit<Change, 'previous'>): void {
  const previous = changes.at(-1)?.version ?? base
  if (previous !== own.version) changes.push({ previous, ...own })
}

/** Of two gaps on the way of one batch, all that is to be reported. */
function worse(gap: Gap, before: Gap | undefined): Gap {
  return { ...before, ...gap, diverged: gap.diverged || before?.diverged === true }
}
