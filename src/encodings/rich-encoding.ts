import { type StringifyOptions, stringify } from 'devalue'
import { DecodingError } from '../errors/errors.js'
import type { Encoding } from './encoding.js'
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
   */
  types?: RichTypes | undefined
}

/**
 * Written before devalue's text, because that text is JSON: without it the JSON text `[1,2]`, written by someone else,
 * would pass as the number 1. Only with it can `decode` refuse what is not its own, and `oldEncoding` take over.
 */
const PREFIX = 'rich:'

/**
 * Text that keeps everything the structured clone algorithm keeps, readable in the store: Date, Map, Set, BigInt, typed
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
 * Decoding runs no code but the `decode` functions given here.
 */
export class RichEncoding implements Encoding<string> {
  readonly name = 'RichEncoding'
  readonly #types: TypeRegistry

  /** @throws TypeError where `types` holds anything but classes, one class twice, or a name that a built-in class has */
  constructor(options: RichEncodingOptions = {}) {
    for (const option of Object.keys(options)) {
      if (option !== 'types') throw new TypeError(`RichEncoding has no option \`${option}\``)
    }
    this.#types = registerTypes(options.types)
  }

  /**
   * @throws EncodingError where something cannot be kept, naming its path, and where the value is nested more than 500
   * levels deep
   * @throws TypeError for `undefined`, which is no value (inside of one it is)
   */
  encode(value: unknown): string {
    if (value === undefined) throw new TypeError('`undefined` is not a value: delete the key, or store `null`')
    try {
      const findings = inspect(value, this.#types)
      return PREFIX + write(value, findings)
    } catch (error) {
      throw asEncodingError(error)
    }
  }

  /** @throws DecodingError where `stored` is not text that `encode` wrote, or holds a type that is not registered here */
  decode(stored: string): unknown {
    if (typeof stored !== 'string' || !stored.startsWith(PREFIX)) {
      throw new DecodingError(`What is stored was not written by RichEncoding: it does not begin with \`${PREFIX}\``)
    }
    const value = this.#revive(stored)
    if (value === undefined) throw new DecodingError('The stored text stands for `undefined`, which is not a value')
    return value
  }

  #revive(stored: string): unknown {
    try {
      return revive(JSON.parse(stored.slice(PREFIX.length)), this.#types)
    } catch (error) {
      if (error instanceof DecodingError) throw error
      const message = error instanceof Error ? error.message : String(error)
      throw new DecodingError(`The stored text cannot be decoded: ${message}`, { cause: error })
    }
  }
}

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
