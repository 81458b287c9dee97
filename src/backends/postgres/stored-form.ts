import { DamagedValue } from '../../contract/damaged-value.js'
import { ESCAPE, escapeText, UNSAFE, unescapeText } from '../sql/escape.js'

/** What is stored of a value. */
export type Stored = string | DamagedValue

/** The two columns of a value: JSON, and the text that the encoding made where JSONB cannot reproduce it. */
export interface Columns {
  readonly json: string | null
  readonly encoded: string | null
}

/** How text is written to a database: one whose encoding is not UTF-8 gets ASCII only. */
export interface TextForm {
  readonly unsafe: RegExp
  readonly isAscii: boolean
}

export const UTF8: TextForm = { unsafe: UNSAFE, isAscii: false }
export const ASCII: TextForm = { unsafe: new RegExp(`[\\0${ESCAPE}]|[^\\0-\\x7f]`, 'g'), isAscii: true }

/** Beyond, JSON is stored as text: JSONB has limits of its own. In characters, and in levels. */
const LONGEST = 16 * 1024 * 1024
const DEEPEST = 500

const NON_ASCII = /[^\0-\x7f]/

/** What JSONB refuses: NUL and halves of surrogate pairs, as JSON escapes them. */
const REFUSED = /\\u(?:0000|d[89a-f][0-9a-f]{2})/i

/** Returns what the two columns of a value hold. */
export function toColumns(text: string, form: TextForm): Columns {
  const json = plainJson(text)
  const encoded = escapeText(text, form.unsafe)
  if (!json || REFUSED.test(text) || (form.isAscii && NON_ASCII.test(text))) return { json: null, encoded }
  return { json: text, encoded: json.isReproduced ? null : encoded }
}

/** Returns the value of the two columns. */
export function toStored(json: string | null | undefined, encoded: string | null | undefined): Stored {
  if (typeof encoded === 'string') return unescapeText(encoded)
  if (typeof json === 'string') return compact(json)
  return new DamagedValue('The columns "value" and "encoded" of its row are both NULL.')
}

/** JSON as `JSON.stringify` writes it; the database adds blanks. */
function compact(json: string): Stored {
  return /^["tfn\d-]/.test(json) && !json.includes('.') && json.length < 16 ? json : textOfJson(JSON.parse(json))
}

/** External writers may nest JSON deeper than `JSON.stringify` can write. */
export function textOfJson(value: unknown): Stored {
  try {
    return JSON.stringify(value)
  } catch {
    return new DamagedValue('Its JSON is nested too deeply.')
  }
}

/** `isReproduced`: whether JSONB returns the same text. `undefined` if JSONB does not accept it. */
function plainJson(text: string): { readonly isReproduced: boolean } | undefined {
  if (text.length > LONGEST) return undefined
  try {
    const value: unknown = JSON.parse(text)
    if (!isShallow(value, DEEPEST)) return undefined
    return { isReproduced: JSON.stringify(value) === text && isSorted(value) }
  } catch {
    return undefined
  }
}

function isShallow(value: unknown, left: number): boolean {
  if (typeof value !== 'object' || value === null) return true
  return left > 0 && Object.values(value).every(one => isShallow(one, left - 1))
}

/** Whether the members of all objects are in the order of JSONB: shorter names first, then by their bytes. */
function isSorted(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return true
  if (Array.isArray(value)) return value.every(isSorted)
  const names = Object.keys(value)
  const isInOrder = names.every((name, index) => index === 0 || precedes(names[index - 1] as string, name))
  return isInOrder && Object.values(value).every(isSorted)
}

function precedes(one: string, other: string): boolean {
  const [left, right] = [Buffer.from(one), Buffer.from(other)]
  return left.length === right.length ? Buffer.compare(left, right) < 0 : left.length < right.length
}
