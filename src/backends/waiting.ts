import { clearTimeout, setTimeout } from '../time/clock.js'
import { onAbort } from '../time/on-abort.js'

/** Resolves after about so many ms, sooner where the signal is aborted. Jittered: a fleet is not to come back as one. */
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

/** What the promise comes to; where the signal is aborted first, a rejection with its reason. */
export async function orAborted<V>(promise: Promise<V>, signal: AbortSignal): Promise<V> {
  // Nobody may be left to be told.
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
