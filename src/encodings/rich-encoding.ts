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
   * Your own classes, by the name that stored text gives them; renaming one makes what is stored unreadable.
   *
   * - `{ Money }` keeps the own enumerable properties, and rebuilds without calling the constructor. Private fields
   *   (`#amount`) are not among them and would be lost: for classes that have some, give the other form.
   * - `{ Money: { class: Money, encode, decode } }` keeps what `encode(instance)` returns, and rebuilds with `decode`.
   *
   * Subclasses are classes of their own: register each.
   *
   * @example
   * new RichEncoding({ types: { Money } })
   */
  types?: RichTypes | undefined
}

/** What text begins with that is not plain JSON: no JSON text does. What follows is devalue's text. */
const TAG = 'rich:'

/**
 * Plain JSON for every value that JSON keeps as it is, so that people and other programs can read and write it; for any other
 * value `rich:` and the text of devalue, which keeps everything the structured clone algorithm keeps: Date, Map, Set, BigInt, typed
 * arrays, RegExp, errors, boxed primitives, NaN and -0, `undefined` inside, holes and named properties of arrays,
 * shared and cyclic references. Besides: URL, URLSearchParams, Temporal, own properties of errors, the lack of a
 * prototype, `__proto__` as an ordinary key, and your own classes, once registered.
 *
 * What cannot be kept is refused, never dropped: functions, symbols and symbol keys, promises, weak collections, shared
 * and resizable memory, instances of classes that are not registered, also where structured clone would reduce them to
 * their base class. Like there, only enumerable properties count, accessors are read, own properties of Date, Map, typed
 * arrays and such are not kept, nor is `lastIndex` of a RegExp, and a Buffer is read back as Uint8Array.
 *
 * Of a view on a part of some memory (a `subarray`, most Buffers) that part alone is written, so that nothing else of the
 * memory ends up in the store; two such views share no memory when read back. Views on the whole of one ArrayBuffer do.
 *
 * JSON that others wrote is read as JSON.parse does, with two exceptions: a whole number that would be rounded is a BigInt, and a
 * number out of range is refused. Decoding runs no code but the `decode` functions given here.
 *
 * @example
 * await RedisDict.open('settings', client, { encoding: new RichEncoding({ types: { Money } }) })
 */
export class RichEncoding implements Encoding<string> {
  readonly name = 'RichEncoding'
  readonly tag = TAG
  readonly #types: TypeRegistry

  /** @throws TypeError where `types` holds anything but classes, one class twice, or a name that a built-in class has */
  constructor(options: RichEncodingOptions = {}) {
    for (const option of Object.keys(options)) {
      if (option !== 'types') throw new TypeError(`RichEncoding has no option \`${option}\``)
    }
    this.#types = registerTypes(options.types)
  }

  /**
   * @throws EncodingError where something cannot be kept, naming its path, where the value is nested more than 500
   * levels deep, and where a BigInt has more than 100,000 digits
   * @throws TypeError for `undefined`, which is no value (inside of one it is)
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
   * @throws DecodingError where `stored` is neither JSON nor text that `encode` wrote, or holds a type that is not registered
   * here. The message never quotes what is stored.
   */
  decode(stored: string): unknown {
    if (typeof stored !== 'string') throw new DecodingError(`RichEncoding reads text, not ${typeof stored}`)
    if (!stored.startsWith(TAG)) return parseJson(stored, BY_HAND)
    const value = this.#revive(stored)
    if (value === undefined) throw new DecodingError('The stored text stands for `undefined`, which is not a value')
    return value
  }

  /** JSON text. In columns of JSON a string that begins with the tag would pass for tagged text, and so becomes tagged text. */
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
      // The engine's own message quotes the text.
      throw new DecodingError(`The stored text is damaged: what follows the tag is not a list of entries`)
    }
  }
}

/** Entries in a list, which hold text, numbers, and nothing that nests further. */
const MAX_TEXT_DEPTH = 2

const BY_HAND =
  'Write it as JSON: text in double quotes, "like this"; numbers, true, false, null, [lists] and {"objects": 1} as they are'

/** Tagged text for the value of plain JSON text, for stores whose JSON cannot hold that text. */
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
    // devalue writes the whole memory behind a view, which may hold secrets of others.
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
