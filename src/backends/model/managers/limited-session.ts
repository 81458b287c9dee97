import { type Discard, withinLimit } from '../../sql/statement-limit.js'
import type { ModelSession } from './manager.js'

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
