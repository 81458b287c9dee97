import { clearTimeout, setTimeout } from '../../time/clock.js'
import { onAbort } from '../../time/on-abort.js'

/** What was waited for did not come in time. */
function late(ms: number): Error {
  return new Error(`It did not answer within ${ms} ms (option "timeout").`)
}

/**
 * Waits for what depends on the outside, `ms` at most, and no longer than until the signal is aborted. An answer that comes after
 * that is dropped.
 */
export function within<V>(ms: number, work: () => Promise<V>, signal?: AbortSignal): Promise<V> {
  return new Promise<V>((resolve, reject) => {
    const abort = () => settle(() => reject(signal?.reason))
    const timer = setTimeout(() => settle(() => reject(late(ms))), ms)
    const settle = (how: () => void) => {
      clearTimeout(timer)
      forgetSignal()
      how()
    }
    const forgetSignal = onAbort(signal, abort)
    if (signal?.aborted) return abort()
    work().then(
      value => settle(() => resolve(value)),
      error => settle(() => reject(error)),
    )
  })
}
