import { onAbort } from './on-abort.js'

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
