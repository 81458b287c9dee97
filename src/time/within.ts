import { Deadlines } from './deadlines.js'
import { onAbort } from './on-abort.js'

/** The error of work that took longer than the option `timeout` allows. */
export function late(ms: number): Error {
  return new Error(`It did not answer within ${ms} ms (option "timeout").`)
}

/**
 * Rejects if the work takes longer than `ms`, or with the signal's reason when the signal is aborted. A later answer is dropped.
 *
 * @param whenLate - returns the error for work that takes too long.
 */
export function within<V>(
  ms: number,
  work: () => V | Promise<V>,
  signal?: AbortSignal,
  whenLate: () => unknown = () => late(ms),
): Promise<V> {
  const deadlines = new Deadlines()
  if (signal?.aborted) return Promise.reject(signal.reason)
  const forgetSignal = onAbort(signal, () => deadlines.endAll(signal?.reason))
  return deadlines.bound(work, ms, whenLate).finally(forgetSignal)
}
