import { type StringifyOptions, stringify } from 'devalue'
import { DecodingError } from '../errors/errors.js'
import type { Encoding } from './encoding.js'
import { isTooDeep, parseJson } from './json-text.js'
import { writePlainJson } from './json-writer.js'
import { asEncodingError, type Findings, inspect } from './rich-inspect.js'
import { revive } from './rich-revive.js'
import { type RichTypes, registerTypes, type TypeRegistry } from './rich-types.js'

export interface RichEncodingOptions {
  /**
   * Your own classes by the name that stored text uses for them. Renaming one makes stored values unreadable. Default: none.
   *
   * - `{ Money }` stores the own enumerable properties, and restores the object without calling the constructor. Private fields
   *   (`#amount`) are not among them and would be lost: use the other form for classes that have some.
   * - `{ Money: { class: Money, encode, decode } }` stores what `encode(instance)` returns, and restores it with `decode`.
   *
   * Register each subclass separately.
   *
   * @example
   * new RichEncoding({ types: { Money } })
   */
  types?: RichTypes | undefined
}

/** The prefix of text that is not plain JSON; no JSON text begins with it. The text of devalue follows. */
const TAG = 'rich:'

/**
 * Stores plain JSON for every value that JSON can hold, so that people and other programs can read and write it. For any other
 * value it stores `rich:` and the text of devalue, which supports everything the structured clone algorithm supports. This includes
 * Date, Map, Set, BigInt, typed arrays, RegExp, errors, boxed primitives, NaN, -0, `undefined` inside a value, holes and named
 * properties of arrays, and shared and cyclic references. It also supports URL, URLSearchParams, Temporal, own properties of errors, objects without a
 * prototype, `__proto__` as an ordinary key, and your own classes once you register them.
 *
 * It refuses what it cannot store, and never drops it: functions, symbols and symbol keys, promises, weak collections, shared
 * and resizable memory, and instances of unregistered classes, even if structured clone would reduce them to
 * their base class. As in structured clone, only enumerable properties count, accessors are read, own properties of Date, Map, typed
 * arrays and similar objects are dropped, as is `lastIndex` of a RegExp, and a Buffer is read back as Uint8Array.
 *
 * For a view on part of a buffer (a `subarray`, most Buffers), only that part is written, so that no other memory ends up in the
 * store. Two such views share no memory when they are read back. Views on the whole of one ArrayBuffer do.
 *
 * JSON of other writers is read as by JSON.parse, with two exceptions: a whole number that would be rounded becomes a BigInt, and a
 * number out of range is refused. Decoding runs no code except your `decode` functions.
 *
 * @example
 * await RedisDict.open('settings', client, { encoding: new RichEncoding({ types: { Money } }) })
 */
export class RichEncoding implements Encoding<string> {
  readonly name = 'RichEncoding'
  readonly tag = TAG
  readonly #types: TypeRegistry

  /** @throws TypeError if `types` contains anything but classes, one class twice, or the name of a built-in class */
  constructor(options: RichEncodingOptions = {}) {
    for (const option of Object.keys(options)) {
      if (option !== 'types') throw new TypeError(`RichEncoding has no option \`${option}\``)
    }
    this.#types = registerTypes(options.types)
  }

  /**
   * @throws EncodingError if a member cannot be stored, with its path, if the value is nested more than 500
   * levels deep, or if a BigInt has more than 100,000 digits
   * @throws TypeError for `undefined`, which is not a value (inside a value it is allowed)
   */
  encode(value: unknown): string {
    if (value === undefined) throw new TypeError('`undefined` is not a value: delete the key, or store `null`')
    try {
      return this.#plain(value) ?? TAG + write(value, inspect(value, this.#types))
    } catch (error) {
      throw asEncodingError(error)
    }
  }

  /**
   * @throws DecodingError if `stored` is neither JSON nor text that `encode` wrote, or contains a type that is not registered
   * here. The message never quotes stored text.
   */
  decode(stored: string): unknown {
    if (typeof stored !== 'string') throw new DecodingError(`RichEncoding reads text, not ${typeof stored}`)
    if (!stored.startsWith(TAG)) return parseJson(stored, BY_HAND)
    const value = this.#revive(stored)
    if (value === undefined) throw new DecodingError('The stored text represents `undefined`, which is not a value')
    return value
  }

  /** Returns JSON text. In a JSON column, a string that begins with the tag would be read as tagged text, so it is tagged itself. */
  #plain(value: unknown): string | undefined {
    return typeof value === 'string' && value.startsWith(TAG) ? undefined : writePlainJson(value)
  }

  #revive(stored: string): unknown {
    const text = stored.slice(TAG.length)
    if (isTooDeep(text, MAX_TEXT_DEPTH)) throw new DecodingError('The stored text is damaged: an entry nests too deep')
    try {
      return revive(JSON.parse(text), this.#types)
    } catch (error) {
      if (error instanceof DecodingError) throw error
      // The engine's message quotes the text.
      throw new DecodingError(`The stored text is damaged: what follows the tag is not a list of entries`)
    }
  }
}

/** The text is a list of entries with text and numbers, and nests no deeper. */
const MAX_TEXT_DEPTH = 2

const BY_HAND =
  'Write it as JSON: text in double quotes, "like this"; numbers, true, false, null, [lists] and {"objects": 1} as they are'

/** Returns tagged text for the value of plain JSON text, for stores whose JSON cannot hold that text. */
export function tagJson(json: string): string {
  const value: unknown = JSON.parse(json)
  return TAG + write(value, inspect(value, NO_TYPES))
}

const NO_TYPES = registerTypes()

function write(value: unknown, { substitutes, exotic }: Findings): string {
  if (!exotic && substitutes.size === 0) return stringify(value)
  const reducers: Record<string, (thing: object) => object | undefined> = {}
  for (const [name, ofType] of substitutes) reducers[name] = thing => ofType.get(thing)
  return stringify(value, reducers, OPTIONS)
}

const OPTIONS: StringifyOptions = {
  operations: {
    // devalue would write all memory behind a view, which may contain secrets.
    viewInfo: (view: ArrayBufferView & { length: number }) => {
      const whole = view.byteLength === view.buffer.byteLength
      const buffer = whole ? view.buffer : copyOfBytes(view)
      const { byteLength, length } = view
      return { buffer, byteOffset: 0, byteLength, length, bufferByteLength: byteLength }
    },
  },
}

function copyOfBytes({ buffer, byteOffset, byteLength }: ArrayBufferView): ArrayBufferLike {
  return buffer.slice(byteOffset, byteOffset + byteLength)
}
