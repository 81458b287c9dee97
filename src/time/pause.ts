import { clearTimeout, setTimeout } from './clock.js'
import { onAbort } from './on-abort.js'

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
