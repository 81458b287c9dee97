import { warn } from '../../../warnings/warnings.js'
import { isLocked, isReadOnly, type Place } from '../faults.js'
import { readHead } from '../head.js'
import type { Log } from '../log.js'
import { fileTriggers } from '../triggers.js'

/** Whether the file has the dictionary, but not the triggers. Call it inside a transaction. */
export function lacksEdits({ connection, dictionary }: Log): boolean {
  return !fileTriggers(connection).edits && readHead(connection, dictionary).version !== undefined
}

/**
 * Creates triggers that are missing. If the file is locked, the next write does it: reads must succeed.
 *
 * @param create - `undefined` if nothing may be created.
 */
export function repairEdits(place: Place, create: (() => unknown) | undefined): void {
  if (!create) {
    warnOfEdits(place)
    return
  }
  try {
    create()
  } catch (error) {
    if (isReadOnly(error)) warnOfEdits(place)
    else if (!isLocked(error)) throw error
  }
}

function warnOfEdits({ dictionary, file }: Place): void {
  warn(
    'DURABLEDICT_TRIGGERS',
    `Edits by hand of dictionary "${dictionary}" are not followed: ${file} lacks the triggers of this release, and this process ` +
      'cannot write to it. Open the dictionary once in a process that can, without { readOnly: true }: it creates them.',
    { source: dictionary },
  )
}
