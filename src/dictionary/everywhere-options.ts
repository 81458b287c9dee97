import type { ReplicaIdentity } from '../errors/replica-identity.js'
import { checkNames, isPlain, optionalMilliseconds, wrong } from './option-checks.js'

/** How far a write `{ everywhere: true }` has come. */
export interface EverywhereProgress {
  /** How many replicas can no longer read an older value. */
  readonly current: number
  /** How many replicas relied on memory when the write was executed, besides the writer itself. */
  readonly total: number
  /** The others. */
  readonly waitingFor: readonly ReplicaIdentity[]
}

/** How a write waits until no process can read an older value. */
export interface EverywhereOptions {
  /**
   * How long to wait after the write was executed, in milliseconds; at least 1. The write then rejects with `NotEverywhereError`: it
   * is committed and durable. Default: until the largest bound has passed.
   *
   * @example
   * await settings.set('payments', 'off', { everywhere: { timeout: 2_000 } })
   */
  timeout?: number | undefined
  /**
   * Called when the wait begins, and whenever a further replica is current. Default: nothing is called.
   *
   * @example
   * const onProgress = ({ current, total }) => console.log(`${current} of ${total}`)
   * await settings.set('payments', 'off', { everywhere: { onProgress } })
   */
  onProgress?: ((progress: EverywhereProgress) => void) | undefined
}

/** The option `everywhere` after validation; `undefined`: do not wait. */
export type EverywhereTerms = Readonly<EverywhereOptions> | undefined

/** @throws TypeError unless it is a boolean or an object of the options. */
export function checkEverywhere(everywhere: unknown): EverywhereTerms {
  if (everywhere === undefined || everywhere === false) return undefined
  if (everywhere === true) return {}
  if (!isPlain(everywhere)) throw wrong('everywhere', 'a boolean or an object { timeout, onProgress }', everywhere)
  checkNames(everywhere as object, ['timeout', 'onProgress'], 'everywhere')
  const { timeout, onProgress } = everywhere as EverywhereOptions
  if (onProgress !== undefined && typeof onProgress !== 'function') throw wrong('onProgress', 'a function', onProgress)
  return { timeout: optionalMilliseconds('timeout', timeout), onProgress }
}
