/** Whether an answer is still to come. Stores that answer at once are spared the detour through the event loop. */
export function isPromise<V>(answer: V | Promise<V>): answer is Promise<V> {
  return typeof (answer as { then?: unknown } | null | undefined)?.then === 'function'
}
