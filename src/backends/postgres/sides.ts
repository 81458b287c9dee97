import { DamagedValue } from '../../contract/damaged-value.js'
import { type KeyChange, keyChange } from '../../contract/history.js'
import { unescapeKey, unescapeText } from '../sql/escape.js'
import { type Stored, textOfJson } from './stored-form.js'

/** Reads what a row held: `{"json": value}`, or the text that the encoding made. `undefined`: there was no row. */
export function readSide(side: unknown): Stored | undefined {
  if (side === null || side === undefined) return undefined
  if (typeof side === 'string') return unescapeText(side)
  const { json } = Object(side) as { json?: unknown }
  return json === undefined ? new DamagedValue('The value could not be read when it was changed.') : textOfJson(json)
}

/** Reads the changes of a commit; `undefined` if the library has not written them. */
export function readChanges(text: string | null, unsafe: RegExp): readonly KeyChange<Stored>[] | undefined {
  const list = parsed(text)
  if (!Array.isArray(list)) return undefined
  const changes: KeyChange<Stored>[] = []
  for (const tuple of list) {
    const key = Array.isArray(tuple) && typeof tuple[0] === 'string' ? unescapeKey(tuple[0], unsafe) : undefined
    if (key === undefined) return undefined
    changes.push(keyChange(key, readSide(tuple[1]), readSide(tuple[2])))
  }
  return changes
}

function parsed(text: string | null): unknown {
  try {
    return JSON.parse(text ?? '')
  } catch {
    return undefined
  }
}
