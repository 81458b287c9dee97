import { type Attribution, keyChange, noteOf } from '../../../contract/history.js'
import type { ModelManager, ModelSession } from '../managers/manager.js'
import type { Stored } from '../table/stored.js'
import type { Versions } from '../versions/versions.js'
import { untilCommitted, type Waiting } from './rows-in-use.js'
import { inTransaction } from './transactions.js'

/** What the caller of `touch` knows. */
export interface Known {
  before(key: string): Stored | undefined
  readonly attribution: Attribution | undefined
}

/** What rows are announced with. */
export interface TouchContext extends Omit<Waiting, 'session'> {
  readonly manager: ModelManager
  readonly versions: Versions
}

/**
 * Announces rows that external writers have changed, or all rows if no key is named, in one transaction. Without keys the history begins
 * again: nobody knows what it was that changed.
 */
export function announce(
  { manager, versions, ...waiting }: TouchContext,
  keys: readonly string[],
  { before, attribution }: Known,
): Promise<void> {
  const { rows, timeout } = waiting
  const work = async (session: ModelSession) => {
    // First, because these transactions may need the lock of the head to end.
    await untilCommitted({ ...waiting, session }, keys)
    const writing = await versions.writing(session, [])
    if (keys.length === 0) {
      await writing.advance(undefined, crypto.randomUUID())
      return
    }
    const found = await rows.find(session, keys)
    const effects = keys.map(key => {
      const stored = found.get(key)
      return stored === undefined ? ({ type: 'delete', key } as const) : ({ type: 'set', key, stored } as const)
    })
    const changes = [...new Set(keys)].map(key => keyChange(key, before(key), found.get(key)))
    const by = { ...attribution, via: 'outside' } as const
    const told = { commits: [{ attribution: by, changes }], notes: [noteOf(by, effects.length)] }
    await writing.advance(effects, crypto.randomUUID(), told)
  }
  return inTransaction(manager, work, { limit: timeout }, AbortSignal.timeout(timeout)).catch(unwrapped)
}

/** Rejects with the cause of a failed transaction. */
function unwrapped(error: unknown): Promise<never> {
  const { cause } = error as { cause?: unknown }
  return Promise.reject(cause ?? error)
}
