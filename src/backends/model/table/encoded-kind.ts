import type { Encoding } from '../../../encodings/encoding.js'
import { UnsupportedError } from '../../../errors/errors.js'
import type { ColumnKind } from '../../sql/dialect.js'

/** What an encoding makes of values, as far as a column must know it. */
export type EncodedKind = 'json' | 'text' | 'bytes'

/** Values that most encodings can encode, and some that JSON cannot hold. */
const PROBES: readonly unknown[] = [
  { probe: ['durabledict'] },
  'durabledict',
  0,
  null,
  new Date(0),
  new Map(),
  1n,
  Number.NaN,
  Uint8Array.of(0, 255),
]

/**
 * What the encoding makes of values. In a column of text it does not matter whether that is JSON.
 *
 * @throws UnsupportedError where the column cannot hold it.
 */
export function encodedKindOf(
  encoding: Encoding<unknown>,
  kind: ColumnKind,
  dictionary: string,
  valueCol: string,
): EncodedKind {
  const all = PROBES.flatMap(value => probe(encoding, value))
  const [stored] = all
  if (stored instanceof Uint8Array && kind === 'bytes') return 'bytes'
  if (stored === undefined) return 'text'
  if (typeof stored === 'string')
    return kind === 'json' && (encoding.tag !== undefined || all.every(isJson)) ? 'json' : 'text'
  throw new UnsupportedError(
    `${encoding.name} makes ${stored instanceof Uint8Array ? 'bytes' : 'values as they are'}, which column "${valueCol}" of ` +
      `dictionary "${dictionary}" cannot hold, being of ${kind}. Choose another encoding, or another type of column.`,
    { dictionary },
  )
}

/** What it makes of a value, in a list; an empty one where the value is not of the encoding's kind. */
function probe(encoding: Encoding<unknown>, value: unknown): unknown[] {
  try {
    return [encoding.encode(value)]
  } catch {
    return []
  }
}

function isJson(text: unknown): boolean {
  try {
    JSON.parse(text as string)
    return true
  } catch {
    return false
  }
}
