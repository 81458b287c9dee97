import { MAX_BOUND } from '../contract/answers.js'
import type { Group } from '../contract/backend.js'
import type { Registered } from '../contract/presence.js'
import { AmbiguousWriteError, NotEverywhereError } from '../errors/errors.js'
import type { ReplicaIdentity } from '../errors/replica-identity.js'
import { waitFor } from '../replica/known-bounds.js'
import type { Receipt } from '../replica/replica.js'
import { clearTimeout, delay, now, setTimeout } from '../time/clock.js'
import { onAbort } from '../time/on-abort.js'
import { orAborted } from '../time/or-aborted.js'
import { warn } from '../warnings/warnings.js'
import type { Internals } from './assembly.js'
import { contained } from './contained.js'
import type { EverywhereProgress, EverywhereTerms } from './everywhere-options.js'
import type { Gate } from './gate.js'

/** Makes a change without effects, which only asks for acknowledgements. */
const ASKING: Group<unknown> = { conditions: [], operations: [] }

/**
 * Waits until no process can read an older value within its bound. Each replica that relied on memory when the write was executed has
 * then acknowledged it, has left, or has not confirmed memory for longer than its bound on this process's monotonic clock
 * (commit-wait; Corbett et al., "Spanner", 2012). A replica that registered later includes the write in its first check.
 *
 * @throws NotEverywhereError after the timeout; AmbiguousWriteError if the dictionary is closed first.
 */
export async function waitEverywhere(
  { name, fleet, replica }: Pick<Internals, 'fleet' | 'name' | 'replica'>,
  gate: Gate,
  receipt: Receipt,
  { timeout, onProgress }: NonNullable<EverywhereTerms>,
): Promise<void> {
  const waiting = new Waiting(receipt, replica.id, name, onProgress)
  if (waiting.isOver) return waiting.report()
  if (gate.closed) throw closedEarly(name)
  const ended = new AbortController()
  const forget = onAbort(gate.signal, () => ended.abort(closedEarly(name)))
  const expire = () => ended.abort(waiting.lateAfter(timeout as number))
  const timer = timeout === undefined ? undefined : setTimeout(expire, timeout)
  try {
    waiting.expire(ended.signal)
    const acknowledged = (id: string) => waiting.done(id)
    // If it fails, the bounds are enough.
    fleet.awaitAcknowledgements(receipt.version, waiting.ids, acknowledged, ended.signal).catch(() => {})
    if (!receipt.isAsked) replica.submit(ASKING, undefined, true).catch(() => {})
    await orAborted(waiting.until(ended.signal), ended.signal)
  } finally {
    clearTimeout(timer)
    forget()
    ended.abort()
  }
}

/** The replicas that one write waits for. */
class Waiting {
  readonly #receipt: Receipt
  readonly #dictionary: string
  readonly #onProgress: ((progress: EverywhereProgress) => void) | undefined
  readonly #pending: Map<string, Registered>
  readonly #total: number
  /** Until when the write waits for replicas that it does not know. */
  readonly #unknownUntil: number
  #changed = () => {}

  constructor(
    receipt: Receipt,
    ownId: string | undefined,
    dictionary: string,
    onProgress: ((progress: EverywhereProgress) => void) | undefined,
  ) {
    const { at, registry, version } = receipt
    const relying = registry?.replicas.filter(({ id, bound }) => bound !== undefined && id !== ownId) ?? []
    const behind = relying.filter(one => !Object.is(one.version, version))
    this.#receipt = receipt
    this.#dictionary = dictionary
    this.#onProgress = onProgress
    this.#total = relying.length
    this.#pending = new Map(behind.map(one => [one.id, one]))
    if (receipt.bound === undefined) throw damagedBound(dictionary)
    const unknown = registry ? registry.unregistered : receipt.bound
    this.#unknownUntil = Math.max(receipt.owedUntil, at + waitFor(unknown))
  }

  get isOver(): boolean {
    return this.#pending.size === 0 && this.#unknownUntil <= now()
  }

  get ids(): string[] {
    return [...this.#pending.keys()]
  }

  /** The replica can no longer read an older value. */
  done(id: string): void {
    if (this.#pending.delete(id)) this.#changed()
  }

  /** Stops waiting for each replica when its bound has passed. */
  expire(signal: AbortSignal): void {
    for (const bound of new Set(Array.from(this.#pending.values(), one => one.bound as number))) {
      const passed = delayUntil(this.#receipt.at + waitFor(bound), signal)
      passed.then(() => this.#expired(bound)).catch(() => {})
    }
  }

  async until(signal: AbortSignal): Promise<void> {
    this.report()
    while (this.#pending.size > 0) {
      await new Promise<void>(resolve => {
        this.#changed = resolve
      })
      this.report()
    }
    await delayUntil(this.#unknownUntil, signal)
  }

  /** In the async context of the write. What `onProgress` throws does not affect the write. */
  report(): void {
    const current = this.#total - this.#pending.size
    const progress = { current, total: this.#total, waitingFor: this.#identities() }
    contained(
      () => this.#onProgress?.(progress),
      error => this.#reportFault(error),
    )
  }

  #reportFault(error: unknown): void {
    const detail = error instanceof Error ? (error.stack ?? error.message) : String(error)
    const message = `The "onProgress" of a write to dictionary "${this.#dictionary}" threw`
    warn('DURABLEDICT_LISTENER', message, { source: `${this.#dictionary} onProgress`, detail })
  }

  lateAfter(timeout: number): NotEverywhereError {
    const missing = this.#identities()
    const who =
      missing.length > 0 ? `${missing.length} of ${this.#total} replicas` : 'replicas that are not in the registry'
    return new NotEverywhereError(
      `The write to dictionary "${this.#dictionary}" is committed and durable, but after ${timeout} ms (option "timeout" of ` +
        `"everywhere") ${who} may still read an older value${named(missing)}. They will stop within their "maxStaleness". ` +
        'Do not repeat the write.',
      { dictionary: this.#dictionary, waitingFor: missing },
    )
  }

  #expired(bound: number): void {
    for (const one of [...this.#pending.values()]) if (one.bound === bound) this.done(one.id)
  }

  #identities(): ReplicaIdentity[] {
    return Array.from(this.#pending.values(), ({ id, host, pid, service }) => ({
      id,
      host,
      pid,
      ...(service !== undefined && { service }),
    }))
  }
}

/** How many replicas a message names. */
const NAMED = 5

function named(replicas: readonly ReplicaIdentity[]): string {
  if (replicas.length === 0) return ''
  const names = replicas
    .slice(0, NAMED)
    .map(({ host, pid, service }) => `${service ? `${service} ` : ''}${host}:${pid}`)
  return `: ${names.join(', ')}${replicas.length > NAMED ? ', …' : ''}`
}

/** Timers may fire a little early. Rejects if `signal` is aborted. */
async function delayUntil(until: number, signal: AbortSignal): Promise<void> {
  for (let left = until - now(); left > 0; left = until - now()) await delay(left, undefined, { signal })
}

function closedEarly(dictionary: string): AmbiguousWriteError {
  return new AmbiguousWriteError(
    `The write took effect, but dictionary "${dictionary}" was closed before the write was known to be visible everywhere.`,
    { dictionary },
  )
}

function damagedBound(dictionary: string): AmbiguousWriteError {
  return new AmbiguousWriteError(
    `The write took effect, but the staleness bound in the store of dictionary "${dictionary}" is damaged: it is not a number of ` +
      `milliseconds from 0 to ${MAX_BOUND}. It is therefore unknown when no process reads an older value. Find out what else writes to ` +
      'the store, and correct or remove the bound.',
    { dictionary },
  )
}
