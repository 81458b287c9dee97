import { UnsupportedError } from '../../../errors/errors.js'
import { warn } from '../../../warnings/warnings.js'
import { type Dialect, quoted } from '../../sql/dialect.js'
import type { ModelManager } from '../managers/manager.js'
import type { Inspection } from '../table/inspection.js'
import { type TriggerState, triggeredTable, triggerState } from './model-triggers.js'

/** What `open` was asked for. */
export interface WantedTriggers {
  /** Whether the table must have triggers; `undefined`: those that are there must work. */
  readonly triggers: boolean | undefined
  readonly returnInstances: boolean
}

const FAULTS: Readonly<Partial<Record<TriggerState, string>>> = {
  none: 'has none',
  missing: 'lacks those that it had: it was created again, or they were dropped',
  disabled: 'has them, but they are disabled',
  old: 'has those of another release, or of a dictionary with another option "returnInstances"',
}

/**
 * Looks at the triggers of the table, by which dictionaries follow changes by other programs.
 *
 * @returns whether there are any.
 * @throws UnsupportedError if they are wanted and do not work. Otherwise warns if they were there.
 */
export async function checkTriggers(
  manager: ModelManager,
  dialect: Dialect,
  dictionary: string,
  inspection: Inspection,
  { triggers, returnInstances }: WantedTriggers,
): Promise<boolean> {
  const table = triggeredTable(dialect, dictionary, inspection, returnInstances)
  const state = await triggerState(manager, manager, dialect, table)
  const fault = FAULTS[state]
  const isThere = state !== 'none' && state !== 'missing'
  if (fault === undefined || triggers === false || (state === 'none' && !triggers)) return isThere
  const message =
    `Changes that other programs make in the table of dictionary "${dictionary}" are not followed, or not in full. That needs triggers, and ` +
    `${quoted(dialect, inspection.table)} ${fault}. Run createTables(model, { triggers: true }) as the owner of the table, or what ` +
    'versionTriggers(dialect, …) returns.'
  if (triggers) throw new UnsupportedError(message, { dictionary })
  warn('DURABLEDICT_TRIGGERS', message, { source: dictionary })
  return isThere
}
