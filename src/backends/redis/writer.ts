import type { Batch, CatchUp, Committed } from '../../contract/backend.js'
import { orAborted, pause } from '../waiting.js'
import type { Caller } from './caller.js'
import { ambiguous, isPassing, isTooLarge, neverSent, notWritten, replyCode } from './faults.js'
import { nonceOf } from './nonces.js'
import { parseChange, parseWritten, readOutcomes, toCatchUp, type Written } from './replies.js'
import { type Request, toRequest, withRefused } from './requests.js'
import { SCRIPTS } from './script.js'

/** How long to wait before a batch that was not answered is sent again, in ms. */
const RETRY_AFTER = 50

/** How often a batch may find its base too old before it gives up. */
const REBASES = 100

type Reply = readonly [status: 'ok' | 'dup' | 'stale', head: string, bound: string, ...rest: (string | number)[]]

/** What has come of the sendings of one batch so far. */
interface Progress {
  base: string
  sendings: number
  rebases: number
  /** Where the changes since the base that the caller named cannot be had. */
  gap: { readonly diverged: boolean } | undefined
  /** The fault by which a sending was lost that may have been executed, or may yet be. */
  lost: { readonly cause: unknown } | undefined
}

/**
 * Sends batches until their outcome is known. Sent again after a lost connection, a batch keeps its base and its id, by
 * which the server knows it: it takes effect once at most.
 */
export class Writer {
  readonly #caller: Caller
  readonly #name: string
  /** Whether the server has found that the user has the rights that writing needs. */
  #permitted = false

  constructor(caller: Caller, name: string) {
    this.#caller = caller
    this.#name = name
  }

  async commit(batch: Batch, since: string, givenUp: AbortSignal): Promise<Committed> {
    const request = toRequest(batch, this.#name)
    const progress: Progress = { base: since, sendings: 0, rebases: 0, gap: undefined, lost: undefined }
    for (;;) {
      if (givenUp.aborted) throw this.#failed(givenUp.reason, progress)
      const waiting = this.#caller.driver.ready()
      if (waiting) await this.#untilReady(waiting, progress, givenUp)
      const reply = await this.#send(request, progress, givenUp)
      const committed = reply && this.#take(reply, request, progress)
      if (committed) return committed
      if (!reply) await pause(RETRY_AFTER, givenUp)
    }
  }

  /** Once given up, nothing more is sent: what is known then is the outcome. */
  async #untilReady(waiting: Promise<void>, progress: Progress, givenUp: AbortSignal): Promise<void> {
    try {
      await orAborted(waiting, givenUp)
    } catch (cause) {
      throw this.#failed(cause, progress)
    }
  }

  /** The answer; nothing where the batch is to be sent again. */
  async #send(request: Request, progress: Progress, givenUp: AbortSignal): Promise<Reply | undefined> {
    const { driver } = this.#caller
    const { losses } = driver
    try {
      const script = request.shrinks ? SCRIPTS.shrink : SCRIPTS.commit
      const reply = (await this.#caller.run(script, this.#args(request, progress), givenUp)) as Reply
      this.#permitted = true
      if (driver.losses === losses || isFinal(reply, progress)) return reply
      progress.lost = { cause: new Error('The connection was lost, and the client sent the write again.') }
    } catch (cause) {
      this.#weigh(cause, progress)
    }
    return undefined
  }

  #args({ batch, args }: Request, progress: Progress): string[] {
    progress.sendings += 1
    const flags = `${progress.lost ? 'r' : ''}${this.#permitted ? '' : 'a'}`
    return [progress.base, nonceOf(batch.id, progress.sendings), flags, ...args]
  }

  /** Notes what a fault means for the batch; throws where sending it again is of no use. */
  #weigh(cause: unknown, progress: Progress): void {
    if (isPassing(cause)) return
    // Neither is what was sent before: a server may cut the connection before this answer has come through.
    if (isTooLarge(cause)) throw notWritten(cause, this.#name)
    if (neverSent(cause) || replyCode(cause) !== undefined) throw this.#failed(cause, progress)
    progress.lost ??= { cause }
  }

  /** What the answer says; nothing where the batch is to be sent again from another base. */
  #take(reply: Reply, request: Request, progress: Progress): Committed | undefined {
    if (reply[0] !== 'stale') return this.#committed(reply, request, progress)
    // Whether the lost sending was executed can no longer be told.
    if (progress.lost) throw ambiguous(progress.lost.cause, this.#name)
    progress.rebases += 1
    if (progress.rebases > REBASES) throw notWritten(new Error('The dictionary changes all the time.'), this.#name)
    progress.gap = { diverged: reply[3] === 1 || progress.gap?.diverged === true }
    progress.base = reply[1]
    return undefined
  }

  #committed(reply: Reply, request: Request, { base, gap, lost }: Progress): Committed {
    const [status, head, bound] = reply
    const past = pastOf(reply)
    const written = status === 'ok' ? writtenOf(reply) : parseWritten(past[(reply[3] as number) - 1] as string)
    if (!written) throw ambiguous(lost?.cause ?? new Error('Its results were too large to be kept.'), this.#name)
    const { outcomes, effects } = readOutcomes(request.batch, written)
    const catchUp: CatchUp = gap ? { type: 'tooOld', ...gap } : toCatchUp(head, past)
    if (status === 'ok' && catchUp.type === 'changes') {
      const { changes } = catchUp
      const previous = changes.length > 0 ? (changes[changes.length - 1]?.version as string) : base
      if (previous !== head) (changes as unknown[]).push({ previous, version: head, effects, id: request.batch.id })
    }
    return { outcomes: withRefused(outcomes, request), catchUp, bound: Number(bound) }
  }

  #failed(cause: unknown, { lost }: Progress): Error {
    return lost ? ambiguous(lost.cause, this.#name) : notWritten(cause, this.#name)
  }
}

/** The changes that an answer brings; with the batch's own among them only where it is the answer to a retry. */
function pastOf(reply: Reply): string[] {
  return reply.slice(reply[0] === 'ok' ? 5 + (reply[4] as number) : 4) as string[]
}

function writtenOf(reply: Reply): Written {
  const count = reply[4] as number
  return { codes: reply[3] as string, values: count === 0 ? [] : (reply.slice(5, 5 + count) as string[]) }
}

/** Whether the log holds the batch's change, so that no other sending of it can have an effect any more. */
function isFinal(reply: Reply, { base }: Progress): boolean {
  if (reply[0] !== 'ok') return reply[0] === 'dup'
  const last = pastOf(reply).at(-1)
  return reply[1] !== (last === undefined ? base : parseChange(last)?.version)
}
