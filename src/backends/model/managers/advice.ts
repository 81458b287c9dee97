import { warn } from '../../../warnings/warnings.js'
import type { ModelManager } from './manager.js'

/** The databases that were looked at. */
const looked = new WeakSet<object>()

/** Warns once for each database client whose settings let a silent network, or a lost connection, do lasting harm. */
export function giveAdvice(manager: ModelManager, dictionary: string): void {
  const { database, library } = manager
  if (!database || looked.has(database)) return
  looked.add(database)
  for (const what of manager.advice?.() ?? []) {
    warn('DURABLEDICT_POOL_SETTINGS', `${library}, which dictionary "${dictionary}" uses: ${what}.`, {
      source: `${library} ${dictionary}`,
    })
  }
}
