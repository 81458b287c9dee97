import type { Encoding } from '../../encodings/encoding.js'
import { UnsupportedError } from '../../errors/errors.js'
import type { ColumnKind } from './manager.js'

/** What an encoding makes of values, as far as a column must know it. */
export type Made = 'json' | 'text' | 'bytes'

/** Values that most encodings can encode, tried one after the other. */
const PROBES: readonly unknown[] = [{ probe: ['durabledict'] }, 'durabledict', 0, null]

/**
 * What the encoding makes of values. In a column of text it does not matter whether that is JSON.
 *
 * @throws UnsupportedError where the column cannot hold it.
 */
export function whatIsMade(encoding: Encoding<unknown>, kind: ColumnKind, dictionary: string, valueCol: string): Made {
  const stored = probe(encoding)
  if (stored instanceof Uint8Array && kind === 'bytes') return 'bytes'
  if (stored === undefined) return 'text'
  if (typeof stored === 'string') return kind === 'json' && isJson(stored) ? 'json' : 'text'
  throw new UnsupportedError(
    `${encoding.name} makes ${stored instanceof Uint8Array ? 'bytes' : 'values as they are'}, which column "${valueCol}" of ` +
      `dictionary "${dictionary}" cannot hold, being of ${kind}. Choose another encoding, or another type of column.`,
    { dictionary },
  )
}

/** `undefined` where none of the probes is of the encoding's kind. */
function probe(encoding: Encoding<unknown>): unknown {
  for (const value of PROBES) {
    try {
      return encoding.encode(value)
    } catch {}
  }
  return undefined
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}
