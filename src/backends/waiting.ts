import { clearTimeout, setTimeout } from '../time/clock.js'
import { onAbort } from '../time/on-abort.js'

/**
 * Resolves after about this many ms, or earlier if the signal is aborted. Jittered, so that a fleet does not
 * reconnect all at once.
 */
export function pause(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise(resolve => {
    const end = () => {
      clearTimeout(timer)
      forgetSignal()
      resolve()
    }
    const timer = setTimeout(end, ms * (0.5 + Math.random()))
    const forgetSignal = onAbort(signal, end)
    if (signal?.aborted) end()
  })
}

/** Settles as the promise does, or rejects with the signal's reason if the signal is aborted first. */
export async function orAborted<V>(promise: Promise<V>, signal: AbortSignal): Promise<V> {
  // No caller may be left to handle a later rejection.
  promise.catch(() => {})
  signal.throwIfAborted()
  let forgetSignal = () => {}
  const aborted = new Promise<never>((_, reject) => {
    forgetSignal = onAbort(signal, () => reject(signal.reason))
  })
  try {
    return await Promise.race([promise, aborted])
  } finally {
    forgetSignal()
  }
}
