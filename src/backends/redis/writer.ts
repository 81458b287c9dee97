import type { Batch, CatchUp, Change, Committed, Gap } from '../../contract/backend.js'
import { AmbiguousWriteError } from '../../errors/errors.js'
import { orAborted } from '../../time/or-aborted.js'
import { pause } from '../../time/pause.js'
import type { Caller } from './caller.js'
import type { Written } from './change-record.js'
import { ambiguous, isPassing, isTooLarge, neverSent, notWritten, replyCode } from './faults.js'
import { briefly, type Entropy, nextVersion, nonceOf } from './nonces.js'
import { readOutcomes } from './outcomes.js'
import type { Reader } from './reader.js'
import { type CommitReply, parseCommit, parseCommitEverywhere } from './replies.js'
import { type Request, toRequest, withRefused } from './requests.js'
import { SCRIPTS, type Script } from './script.js'
import { gapOf, type Seals } from './seals.js'

/** The wait before an unanswered batch is resent, in ms. */
const RETRY_AFTER = 50

/** How many times the base of a batch may be too old before the write fails. */
const REBASES = 100

/** The progress of one batch over all its attempts. */
interface Progress {
  base: string
  sendings: number
  rebases: number
  /** Set if the changes since the caller's base are not available. */
  gap: Gap | undefined
  /** Whether the script has asked for the long form. */
  isLong: boolean
  /** The latest temporary error reply. A write that is aborted in the meantime rejects with it. */
  refusal: unknown
  /** The registry in the latest answer, if the batch asks replicas to acknowledge. */
  registry: unknown
  /** The fault of an attempt that may have been executed, or may still be. */
  lost: { readonly cause: unknown } | undefined
}

/**
 * Sends batches until their outcome is known. A batch that is resent after a lost connection keeps its base and its
 * id, by which the server recognizes it: it takes effect at most once.
 */
export class Writer {
  readonly #caller: Caller
  readonly #reader: Reader
  readonly #name: string
  readonly #entropy: Entropy
  readonly #seals: Seals
  /** Whether the server has confirmed that the user has the rights that a write needs. */
  #permitted = false

  constructor(caller: Caller, reader: Reader, name: string, entropy: Entropy, seals: Seals) {
    this.#caller = caller
    this.#reader = reader
    this.#name = name
    this.#entropy = entropy
    this.#seals = seals
  }

  async commit(batch: Batch, since: string, signal: AbortSignal): Promise<Answer> {
    const request = toRequest(batch, this.#name)
    const progress: Progress = {
      base: since,
      sendings: 0,
      rebases: 0,
      gap: undefined,
      isLong: false,
      refusal: undefined,
      registry: undefined,
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

  /** Waits until the client is ready. After an abort nothing more is sent, so the outcome known by then is final. */
  async #untilReady(waiting: Promise<void>, progress: Progress, signal: AbortSignal): Promise<void> {
    try {
      await orAborted(waiting, signal)
    } catch (cause) {
      throw this.#failed(cause, progress)
    }
  }

  /** Returns the answer, or `undefined` if the batch must be resent. */
  async #send(request: Request, progress: Progress, signal: AbortSignal): Promise<CommitReply | undefined> {
    const { driver } = this.#caller
    const { losses } = driver
    try {
      const answer = await this.#caller.run(scriptFor(request), this.#args(request, progress), { signal: signal })
      const reply = this.#read(answer, request, progress)
      this.#permitted = true
      driver.servedBefore = true
      if (this.#lacksSeal(reply)) await this.#reader.head()
      if (driver.losses === losses || this.#isFinal(reply, progress)) return reply
      progress.lost = { cause: new Error('The connection was lost, and the client sent the write again.') }
    } catch (cause) {
      this.#weigh(cause, progress)
    }
    return undefined
  }

  /** Parses the answer. The batch was executed even if the client altered the answer. */
  #read(answer: unknown, { batch }: Request, progress: Progress): CommitReply {
    try {
      const next = nextVersion(progress.base, nonceOf(batch.id, progress.sendings))
      if (!batch.acknowledge) return parseCommit(answer, next)
      const { reply, registry } = parseCommitEverywhere(answer, next)
      progress.registry = registry
      return reply
    } catch (cause) {
      throw ambiguous(cause, this.#name)
    }
  }

  /** Whether the secret that is needed to read the changes of an answer is unknown. */
  #lacksSeal(reply: CommitReply): boolean {
    return 'changes' in reply && reply.changes.length > 0 && !this.#seals.knows(reply.head)
  }

  /** Returns whether the log contains the batch's change, so that no other attempt of it can have an effect. */
  #isFinal(reply: CommitReply, { base }: Progress): boolean {
    if (reply.status !== 'ok') return reply.status === 'dup'
    const last = reply.changes.at(-1)
    const before = last === undefined ? base : this.#seals.open(last, reply.head)?.version
    return before !== undefined && before !== reply.head
  }

  #args({ batch, args, oneSet }: Request, progress: Progress): string[] {
    progress.sendings += 1
    const isShort = oneSet && this.#permitted && !progress.isLong && !progress.lost && !batch.acknowledge
    if (isShort) return [briefly(progress.base, nonceOf(batch.id, progress.sendings)), ...oneSet]
    const flags = `${progress.lost ? 'r' : ''}${this.#permitted ? '' : 'a'}${batch.acknowledge ? 'k' : ''}`
    return [progress.base, nonceOf(batch.id, progress.sendings), flags, this.#entropy.next(), ...args]
  }

  /** Records what a fault means for the batch. Throws if resending it cannot help. */
  #weigh(cause: unknown, progress: Progress): void {
    if (cause instanceof AmbiguousWriteError) throw cause
    if (isPassing(cause) || this.#caller.leaves(cause)) {
      progress.refusal = cause
      return
    }
    // Earlier attempts were not written either: a server may close the connection before this answer arrives.
    if (isTooLarge(cause)) throw notWritten(cause, this.#name)
    if (neverSent(cause) || replyCode(cause) !== undefined) throw this.#failed(cause, progress)
    progress.lost ??= { cause }
  }

  /** Evaluates the answer. Returns `undefined` if the batch must be resent, from another base or in the long form. */
  #take(reply: CommitReply, request: Request, progress: Progress): Answer | undefined {
    if (reply.status === 'again') {
      progress.isLong = true
      return undefined
    }
    if (reply.status !== 'stale') return this.#committed(reply, request, progress)
    // It is no longer possible to find out whether the lost attempt was executed.
    if (progress.lost) throw ambiguous(progress.lost.cause, this.#name)
    progress.rebases += 1
    if (progress.rebases > REBASES)
      throw notWritten(new Error('The dictionary changed too fast. Try again later.'), this.#name)
    progress.gap = worse(gapOf(reply, progress.base), progress.gap)
    progress.base = reply.head
    return undefined
  }

  #committed(reply: Executed, request: Request, { base, gap, lost, registry }: Progress): Answer {
    const { head, bound, changes } = reply
    const written = reply.status === 'ok' ? reply.written : this.#duplicate(reply)
    if (!written)
      throw ambiguous(lost?.cause ?? new Error('Its results were too large for the change log.'), this.#name)
    const read = readOutcomes(request.batch, written, this.#name)
    if (!read) throw ambiguous(new Error('The recorded results belong to another write.'), this.#name)
    const catchUp: CatchUp = gap ? { type: 'tooOld', ...gap } : this.#seals.toCatchUp(base, head, changes)
    if (reply.status === 'ok' && catchUp.type === 'changes') {
      const { effects, notes } = read
      const { id, acknowledge } = request.batch
      const own = { version: head, effects, id, ...(notes && { notes }), ...(acknowledge && { acknowledge }) }
      addOwn(catchUp.changes as Change[], base, own)
    }
    const answer = { outcomes: withRefused(read.outcomes, request), catchUp, bound }
    return registry === undefined ? answer : { ...answer, registry }
  }

  /**
   * Returns the recorded results of a batch that was executed earlier, or `undefined` if they were too large or are
   * damaged.
   */
  #duplicate({ head, changes, position }: Extract<CommitReply, { status: 'dup' }>): Written | undefined {
    return this.#seals.open(changes[position - 1] as string, head)?.written
  }

  #failed(cause: unknown, { lost, refusal }: Progress): Error {
    return lost ? ambiguous(lost.cause, this.#name) : notWritten(refusal ?? cause, this.#name)
  }
}

/** An answer to a batch. The registry is as the script returned it. */
type Answer = Omit<Committed, 'registry'> & { readonly registry?: unknown }

type Executed = Exclude<CommitReply, { status: 'stale' | 'again' }>

function scriptFor({ batch: { acknowledge }, shrinks }: Request): Script {
  if (acknowledge) return shrinks ? SCRIPTS.shrinkEverywhere : SCRIPTS.commitEverywhere
  return shrinks ? SCRIPTS.shrink : SCRIPTS.commit
}

/**
 * Appends the batch's own change if it had an effect: the answer to the first attempt contains only the earlier
 * changes.
 */
function addOwn(changes: Change[], base: string, own: Omit<Change, 'previous'>): void {
  const previous = changes.at(-1)?.version ?? base
  if (previous !== own.version) changes.push({ previous, ...own })
}

/** Combines two gaps of one batch into the one to report. */
function worse(gap: Gap, before: Gap | undefined): Gap {
  return { ...before, ...gap, diverged: gap.diverged || before?.diverged === true }
}
