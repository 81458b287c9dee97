import type { Encoding } from '../../../encodings/encoding.js'
import { isTooDeep, parseJson } from '../../../encodings/json-text.js'
import { tagJson } from '../../../encodings/rich-encoding.js'
import { EncodingError } from '../../../errors/errors.js'

/** What a column of JSON does with JSON. */
export interface JsonColumn {
  /** Whether it puts the members of objects in an order of its own: PostgreSQL's `jsonb` and MySQL's `json` do. */
  readonly reorders: boolean
  /** How deep JSON may nest in it. */
  readonly maxDepth: number
}

/**
 * What columns of JSON refuse, or ORMs lose on the way: NUL and halves of surrogate pairs in text (PostgreSQL), and members named
 * `__proto__`.
 */
const UNFIT = /\\u(?:0000|d[89a-f])|"__proto__"/i

/**
 * Encodes JSON as the column gives it back, so that what memory holds after a write is what everyone else reads: other text than that
 * would pass for a change. An encoding with tagged text has it for JSON that the column cannot hold, too.
 */
export class JsonColumnEncoding implements Encoding<unknown> {
  readonly name: string
  readonly tag?: string | undefined
  readonly #encoding: Encoding<unknown>
  readonly #oldTag: string | undefined
  readonly #column: JsonColumn

  /** @param oldTag - of values that are still to be read, though this encoding does not make them. */
  constructor(encoding: Encoding<unknown>, oldTag: string | undefined, column: JsonColumn) {
    this.name = encoding.name
    this.tag = encoding.tag
    this.#encoding = encoding
    this.#oldTag = oldTag
    this.#column = column
  }

  encode(value: unknown): unknown {
    const text = this.#encoding.encode(value)
    if (typeof text !== 'string') return text
    if (this.tag !== undefined) return text.startsWith(this.tag) ? text : this.#fitting(text)
    if (this.#oldTag !== undefined && text.startsWith(`"${this.#oldTag}`)) throw ambiguous(this.#oldTag)
    return canonical(text, this.#column)
  }

  decode(stored: unknown): unknown {
    return this.#encoding.decode(stored)
  }

  #fitting(text: string): string {
    return UNFIT.test(text) || isTooDeep(text, this.#column.maxDepth) ? tagJson(text) : canonical(text, this.#column)
  }
}

function ambiguous(tag: string): EncodingError {
  return new EncodingError(
    `In a column of JSON, text that begins with "${tag}" cannot be distinguished from values of the old encoding. Call reencode(), ` +
      'and leave out the option "oldEncoding"',
  )
}

/** JSON text in the one form that stands for all forms that the column may give it. */
export function canonical(text: string, { reorders }: Pick<JsonColumn, 'reorders'>): string {
  try {
    return ordered(parseJson(text, ''), reorders)
  } catch {
    // Others wrote what is not JSON, or JSON that becomes no JSON again, such as a number that is read as a BigInt.
    return text
  }
}

/** A value as JSON text, with the members of objects in order where the column has an order of its own. */
export function ordered(value: unknown, reorders: boolean): string {
  return JSON.stringify(value, reorders ? sortMembers : undefined)
}

function sortMembers(_key: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value
  return Object.fromEntries(Object.entries(value).sort(([left], [right]) => (left < right ? -1 : 1)))
}
