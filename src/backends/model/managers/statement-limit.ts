import { clearTimeout, setTimeout } from '../../../time/clock.js'
import type { ModelSession } from '../manager.js'

/** Gets a connection out of the way: whatever waits for an answer on it rejects, and its pool makes another one. */
export type Discard = () => void

/** A connection of a driver: `mysql2` and `mariadb` destroy it, `pg` ends it, at once if a statement is under way. */
interface Closable {
  destroy?(): unknown
  end?(): unknown
}

/** Closes a connection that does not answer, without waiting for it. */
export function closeConnection(connection: unknown): void {
  const { destroy, end } = Object(connection) as Closable
  const closing = destroy ? destroy.call(connection) : end?.call(connection)
  // It does not matter how it fails to close.
  if (closing instanceof Promise) closing.catch(() => {})
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

/** Discards the connection after `ms`, unless it is stopped before. */
export function discardAfter(ms: number | undefined, discard: Discard): { stop(): void } {
  const timer = ms === undefined ? undefined : startLimit(ms, discard)
  return { stop: () => clearTimeout(timer) }
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

/** The same session, each of whose calls has a limit. */
export function limited(session: ModelSession, ms: number | undefined, discard: Discard): ModelSession {
  if (ms === undefined) return session
  const within =
    <A extends unknown[], V>(call: (...args: A) => Promise<V>) =>
    (...args: A) =>
      withinLimit(() => call.apply(session, args), ms, discard)
  const { query, rows, create, update, remove, removeAll } = session
  return {
    query: within(query),
    rows: within(rows),
    create: within(create),
    update: within(update),
    remove: within(remove),
    removeAll: within(removeAll),
  }
}
