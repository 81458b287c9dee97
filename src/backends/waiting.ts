import { setMaxListeners } from 'node:events'
import { clearTimeout, setTimeout } from '../time/clock.js'

/** Resolves after about so many ms, sooner where the signal is aborted. Jittered: a fleet is not to come back as one. */
export function pause(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise(resolve => {
    const end = () => {
      clearTimeout(timer)
      signal?.removeEventListener('abort', end)
      resolve()
    }
    const timer = setTimeout(end, ms * (0.5 + Math.random()))
    if (signal) setMaxListeners(0, signal)
    signal?.addEventListener('abort', end)
    if (signal?.aborted) end()
  })
}

/** What the promise comes to; where the signal is aborted first, a rejection with its reason. */
export async function orAborted<V>(promise: Promise<V>, signal: AbortSignal): Promise<V> {
  // Nobody may be left to be told.
  promise.catch(() => {})
  signal.throwIfAborted()
  let abort = () => {}
  const aborted = new Promise<never>((_, reject) => {
    abort = () => reject(signal.reason)
    // As many as wait: that is no leak.
    setMaxListeners(0, signal)
    signal.addEventListener('abort', abort)
  })
  try {
    return await Promise.race([promise, aborted])
  } finally {
    signal.removeEventListener('abort', abort)
  }
}
