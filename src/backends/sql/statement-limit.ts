import { clearTimeout, setTimeout } from '../../time/clock.js'

/** Gets a connection out of the way: whatever waits for an answer on it rejects, and its pool makes another one. */
export type Discard = () => void

/** A connection of a driver: `mysql2` and `mariadb` destroy it, `pg` ends it. */
interface Closable {
  destroy?(): unknown
  end?(): unknown
  readonly stream?: { destroy?(error: Error): unknown }
  readonly connection?: Closable
}

/** Closes a connection that does not answer, without waiting for it. */
export function closeConnection(connection: unknown): void {
  const its = Object(connection) as Closable
  const closing = its.destroy ? its.destroy() : its.end?.()
  // It does not matter how it fails to close.
  if (closing instanceof Promise) closing.catch(() => {})
  // `mysql2` waits for the other end, and rejects what is under way only if the socket fails.
  const { stream } = its.connection ?? its
  stream?.destroy?.(Object.assign(new Error('The connection did not answer'), { code: 'ETIMEDOUT' }))
}

/** Runs one statement. If it takes longer than `ms`, this rejects and the connection is discarded. */
export function withinLimit<V>(work: () => Promise<V>, ms: number | undefined, discard: Discard): Promise<V> {
  if (ms === undefined) return work()
  return new Promise<V>((resolve, reject) => {
    const timer = startLimit(ms, () => {
      reject(silence(ms))
      discard()
    })
    work()
      .then(resolve, reject)
      .finally(() => clearTimeout(timer))
  })
}

/**
 * Runs a library's transaction, whose beginning has the limit of a statement.
 *
 * @param connected - resolves when the library has a connection; what its pool takes does not count.
 */
export async function withLimitedBegin<T, R>(
  run: (work: (transaction: T) => Promise<R>) => Promise<R>,
  work: (transaction: T) => Promise<R>,
  ms: number | undefined,
  discard: Discard,
  connected: Promise<void> = Promise.resolve(),
): Promise<R> {
  let result: Promise<R> | undefined
  const begun = new Promise<void>(resolve => {
    result = run(transaction => {
      resolve()
      return work(transaction)
    })
    result.finally(resolve).catch(() => {})
  })
  await Promise.race([connected, begun])
  await withinLimit(() => begun, ms, discard)
  return result as Promise<R>
}

/** Discards the connection and calls back after `ms`, unless it is stopped before. */
export function discardAfter(ms: number | undefined, discard: Discard, late: (error: Error) => void): Discard {
  if (ms === undefined) return () => {}
  const timer = startLimit(ms, () => {
    late(silence(ms))
    discard()
  })
  return () => clearTimeout(timer)
}

function startLimit(ms: number, expire: () => void) {
  const timer = setTimeout(expire, ms)
  timer.unref()
  return timer
}

/** The code is that of a connection whose other end is gone, which says nothing of what was written. */
function silence(ms: number): Error {
  const message = `The database did not answer a statement within ${ms} ms, so that its connection was closed.`
  return Object.assign(new Error(message), { code: 'ETIMEDOUT' })
}
