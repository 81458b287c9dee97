import type { Diagnostics, Failure } from '../diagnostics/diagnostics.js'
import { now } from '../time/clock.js'
import type { Origin } from './assembly.js'

/**
 * The state of a dictionary, for a readiness probe: `health()`.
 *
 * @example
 * app.get('/ready', (request, response) => {
 *   const health = settings.health()
 *   response.status(health.ready ? 200 : 503).json(health)
 * })
 */
export interface Health {
  /** Whether the dictionary can serve: false only after `close`. While the store is down, memory still serves. */
  readonly ready: boolean
  /**
   * - `'ok'`: the store answered the latest call, and live memory is current.
   * - `'degraded'`: the store did not answer the latest call or has not answered since `open`, or live memory was not confirmed within
   *   its bound.
   * - `'closed'`: the dictionary is closed.
   */
  readonly status: 'ok' | 'degraded' | 'closed'
  /** Why the status is not `'ok'`, as a sentence for people. It contains neither keys nor values. */
  readonly reason: string | undefined
  /** How long ago memory was confirmed current, in ms. Without `live`, it grows while nobody reads. */
  readonly staleness: number
  /** Whether the store answered the latest call. */
  readonly reachable: boolean
  /** Where the state in memory came from: see `origin` of the dictionary. */
  readonly origin: Origin
}

/** What decides about health. */
export interface Vitals {
  readonly closed: boolean
  /** In ms. */
  readonly staleness: number
  /** From which staleness on live memory counts as stale, in ms. Default: never. */
  readonly limit: number | undefined
  readonly origin: Origin
  readonly diagnostics: Diagnostics
}

export function healthOf({ closed, staleness, limit, origin, diagnostics }: Vitals): Health {
  const { failure } = diagnostics
  const reason = closed
    ? 'The dictionary is closed.'
    : (absent(origin, staleness) ?? unanswered(failure) ?? stale(staleness, limit))
  const status = closed ? 'closed' : reason === undefined ? 'ok' : 'degraded'
  const reachable = failure === undefined && origin === 'store'
  return { ready: !closed, status, reason, staleness, reachable, origin }
}

function absent(origin: Origin, staleness: number): string | undefined {
  if (origin === 'store') return undefined
  const source = origin === 'seed' ? 'seed' : 'last known file'
  return `The store has not answered since the dictionary was opened. Memory is from the ${source}, ${seconds(staleness)} old.`
}

function unanswered(failure: Failure | undefined): string | undefined {
  if (!failure) return undefined
  const codes = [failure.code, failure.cause].filter(Boolean).join(', ')
  return `The store did not answer the latest call, ${seconds(now() - failure.at)} ago${codes && ` (${codes})`}.`
}

function stale(staleness: number, limit: number | undefined): string | undefined {
  if (limit === undefined || staleness <= limit) return undefined
  return `Memory was last confirmed current ${seconds(staleness)} ago; its bound is ${seconds(limit)}.`
}

function seconds(ms: number): string {
  return `${(ms / 1_000).toFixed(1)} s`
}
