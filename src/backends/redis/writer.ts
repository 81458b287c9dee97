import type { Batch, CatchUp, Change, Committed } from '../../contract/backend.js'
import type { Caller } from './caller.js'
import { ambiguous, isPassing, neverSent, notWritten, replyCode } from './faults.js'
import type { Nonces } from './nonces.js'
import { orAborted, pause } from './pause.js'
import { parseChange, parseWritten, readOutcomes, toCatchUp, type Written } from './replies.js'
import { type Request, toRequest, withRefused } from './requests.js'
import { SCRIPTS } from './script.js'

/** How long to wait before a command that failed is sent again, in ms. */
const RETRY_AFTER = 50

/** How often a batch may find its base too old before it has to give up. */
const REBASES = 100

type Reply = readonly [status: 'ok' | 'dup' | 'stale', head: string, bound: string, ...rest: (string | number)[]]

/** What has come of the sendings of one batch so far. */
interface Progress {
  base: string
  /** Where the changes since the base that the caller named cannot be had. */
  gap: { readonly diverged: boolean } | undefined
  /** The fault by which a sending was lost that may have been executed, or may yet be. */
  lost: { readonly cause: unknown } | undefined
  rebases: number
}

/**
 * Sends batches until their outcome is known. Sent again after a lost connection, a batch keeps its base and its id, by which
 * the server knows it: it takes effect once at most.
 */
export class Writer {
  readonly #caller: Caller
  readonly #name: string
  readonly #nonces: Nonces
  /** Whether the server has said that the user has the rights that writing needs. */
  #permitted = false

  constructor(caller: Caller, name: string, nonces: Nonces) {
    this.#caller = caller
    this.#name = name
    this.#nonces = nonces
  }

  async commit(batch: Batch, since: string, givenUp: AbortSignal): Promise<Committed> {
    const request = toRequest(batch, this.#name)
    const progress: Progress = { base: since, gap: undefined, lost: undefined, rebases: 0 }
    for (;;) {
      const reply = await this.#sendUntilAnswered(request, progress, givenUp)
      const committed = this.#take(reply, request, progress)
      if (committed) return committed
    }
  }

  /** The answer of the first sending that has one. */
  async #sendUntilAnswered(request: Request, progress: Progress, givenUp: AbortSignal): Promise<Reply> {
    for (;;) {
      try {
        const ready = this.#caller.driver.ready()
        if (ready) await orAborted(ready, givenUp)
        else givenUp.throwIfAborted()
      } catch (cause) {
        // Nothing more can be sent: what is known now is the outcome.
        throw this.#failed(cause, progress)
      }
      const reply = await this.#sendOnce(request, progress, givenUp)
      if (reply) return reply
      await pause(RETRY_AFTER, givenUp)
    }
  }

  /** Nothing where it is to be sent again. */
  async #sendOnce(request: Request, progress: Progress, givenUp: AbortSignal): Promise<Reply | undefined> {
    const { driver } = this.#caller
    const flags = `${progress.lost ? 'r' : ''}${this.#permitted ? '' : 'a'}`
    const args = [progress.base, this.#nonces.next(), request.batch.id, flags, ...request.args]
    const { losses } = driver
    try {
      const script = request.shrinks ? SCRIPTS.shrink : SCRIPTS.commit
      const reply = (await this.#caller.run(script, args, givenUp)) as Reply
      this.#permitted = true
      // It may be the answer to a sending of the client's own, after which the first may arrive yet.
      if (driver.losses !== losses && !isFinal(reply, progress)) {
        progress.lost = { cause: new Error('The connection was lost, and the client sent the write again.') }
        return undefined
      }
      return reply
    } catch (cause) {
      if (isPassing(cause) || (neverSent(cause) && driver.ready())) return undefined
      if (replyCode(cause) !== undefined || neverSent(cause)) throw this.#failed(cause, progress)
      progress.lost ??= { cause }
      return undefined
    }
  }

  /** What the answer says; nothing where the batch is to be sent again from another base. */
  #take(reply: Reply, request: Request, progress: Progress): Committed | undefined {
    const [status, head, bound] = reply
    if (status !== 'stale') {
      return { ...this.#outcomes(reply, request, progress), bound: Number(bound) }
    }
    if (progress.lost) throw ambiguous(progress.lost.cause, this.#name)
    progress.rebases += 1
    if (progress.rebases > REBASES) throw notWritten(new Error('The dictionary changes all the time.'), this.#name)
    progress.gap = { diverged: reply[3] === 1 || progress.gap?.diverged === true }
    progress.base = head
    return undefined
  }

  #outcomes(reply: Reply, request: Request, progress: Progress): Omit<Committed, 'bound'> {
    const { written, past } = reply[0] === 'dup' ? this.#wasWritten(reply, progress) : isWritten(reply)
    const { outcomes, effects } = readOutcomes(request.batch, written)
    const catchUp = this.#catchUp(reply, past, { id: request.batch.id, effects }, progress)
    return { outcomes: withRefused(outcomes, request), catchUp }
  }

  #catchUp(
    [status, head]: Reply,
    past: readonly string[],
    own: Pick<Change, 'id' | 'effects'>,
    { base, gap }: Progress,
  ): CatchUp {
    if (gap) return { type: 'tooOld', ...gap }
    const catchUp = toCatchUp(head, past)
    if (status === 'dup' || catchUp.type !== 'changes') return catchUp
    const previous = catchUp.changes.at(-1)?.version ?? base
    if (previous === head) return catchUp
    return { ...catchUp, changes: [...catchUp.changes, { previous, version: head, ...own }] }
  }

  /** The outcome of an earlier sending. */
  #wasWritten(reply: Reply, { lost }: Progress): { written: Written; past: readonly string[] } {
    const past = reply.slice(4) as string[]
    const written = parseWritten(past[(reply[3] as number) - 1] as string)
    if (written) return { written, past }
    throw ambiguous(lost?.cause ?? 'Its results were too large to be kept.', this.#name)
  }

  #failed(cause: unknown, { lost }: Progress): Error {
    return lost ? ambiguous(lost.cause, this.#name) : notWritten(cause, this.#name)
  }
}

function isWritten(reply: Reply): { written: Written; past: readonly string[] } {
  const rest = reply as readonly unknown[] as readonly string[]
  const count = reply[4] as number
  return { written: { codes: rest[3] as string, values: rest.slice(5, 5 + count) }, past: rest.slice(5 + count) }
}

/** Whether no other sending of the batch can have an effect any more. */
function isFinal(reply: Reply, { base }: Progress): boolean {
  if (reply[0] !== 'ok') return reply[0] === 'dup'
  const { past } = isWritten(reply)
  const last = past.length > 0 ? parseChange(past.at(-1) as string)?.version : base
  // The batch's own change is the head where it had an effect, and then the log tells.
  return last !== undefined && last !== reply[1]
}
