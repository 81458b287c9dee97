/** Whether an answer is still pending. Stores that answer synchronously avoid a turn of the event loop. */
export function isPromise<V>(answer: V | Promise<V>): answer is Promise<V> {
  return typeof (answer as { then?: unknown } | null | undefined)?.then === 'function'
}
