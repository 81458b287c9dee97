import { DecodingError, EncodingError } from '../errors/errors.js'
import type { Encoding } from './encoding.js'
import { parseJson } from './json-text.js'
import {
  classNameOf,
  enter,
  type Frame,
  isForeignPrototype,
  MAX_DEPTH,
  refuse,
  refuseSymbolKeys,
  TOO_DEEP,
} from './walk.js'

/**
 * Plain JSON text (RFC 8259), for stores that programs in other languages read and write.
 *
 * A value is read back equal to what was written. The encoding refuses everything that JSON would silently change or drop:
 *
 * - `undefined` inside a value (write `null`, or omit the member), NaN, Infinity and -0, BigInt, functions and symbols;
 * - Date, Map, Set, typed arrays and other class instances (even with `toJSON`), and objects without a prototype;
 * - arrays with holes or named properties, symbol keys, and cycles;
 * - strings or keys with lone surrogates: valid in JavaScript, but other languages refuse or replace them.
 *
 * One exception: an object that is referenced twice is written twice, and read back as two equal objects. Values are frozen when they
 * are read, so that only `===` shows the difference. Such repeats may make the text longer by at most a million characters.
 * Non-enumerable properties are dropped, and accessors are read. An own `__proto__` member is an ordinary member.
 *
 * @example
 * await RedisDict.open('settings', client, { encoding: JSONEncoding })
 */
export class JSONEncoding implements Encoding<string> {
  readonly name = 'JSONEncoding'

  /**
   * @throws EncodingError if JSON cannot hold the value, with the path of the member, or if it is
   * nested more than 500 levels deep
   * @throws TypeError for `undefined`, which is not a value
   */
  encode(value: unknown): string {
    if (value === undefined) throw new TypeError('`undefined` is not a value: delete the key, or store `null`')
    try {
      new Check().member(value, undefined)
      return JSON.stringify(value)
    } catch (error) {
      if (error instanceof EncodingError) throw error
      throw new EncodingError(`The value cannot be written as JSON: ${reason(error)}`, { cause: error })
    }
  }

  /**
   * A whole number that JavaScript would round, such as 12345678901234567890, is read as a BigInt.
   *
   * @throws DecodingError if `stored` is not JSON text, is nested more than 500 levels deep, or contains a number out of range
   */
  decode(stored: string): unknown {
    if (typeof stored !== 'string') throw new DecodingError(`JSONEncoding reads text, not ${typeof stored}`)
    return parseJson(stored, 'JSONEncoding reads JSON only, in which text is in double quotes: "like this"')
  }
}

function reason(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

/** By how many characters repeated objects may make the text longer. */
const MAX_REPEATS = 1024 * 1024

/** The approximate text length and the nesting depth of a container. */
interface Extent {
  length: number
  height: number
}

/** Inspects a value, visiting each object once, and refuses what JSON would change. */
class Check {
  readonly #done = new Map<object, Extent>()
  /** The containers around the member that is being inspected. */
  readonly #open = new Set<object>()
  #repeated = 0

  /** @returns the approximate length of the member's text. */
  member(value: unknown, frame: Frame | undefined): number {
    if (typeof value === 'string') return checkText(value, frame)
    if (typeof value === 'number') return checkNumber(value, frame)
    if (typeof value === 'object') return value === null ? 4 : this.#container(value, frame)
    if (value === undefined) refuse(frame, 'is `undefined`, which JSON cannot hold. Leave it out, or store `null`')
    if (typeof value !== 'boolean') refuse(frame, `is a ${typeof value}, which JSON cannot hold`)
    return 5
  }

  #container(container: object, parent: Frame | undefined): number {
    if (this.#open.has(container)) refuse(parent, 'refers back to what contains it (a cycle), which JSON cannot hold')
    const known = this.#done.get(container)
    return known === undefined ? this.#first(container, parent) : this.#again(known, parent)
  }

  #first(container: object, parent: Frame | undefined): number {
    const frame = enter(parent, container)
    const array = Array.isArray(container)
    checkPrototype(container, array, frame)
    refuseSymbolKeys(container, frame)
    // JSON.stringify would call it, even if it is inherited or not enumerable.
    if (typeof (container as { toJSON?: unknown }).toJSON === 'function') {
      refuse(parent, 'has a method `toJSON`, which would store something else. Store what it returns')
    }
    this.#open.add(container)
    const length = array ? this.#array(container, frame) : this.#object(container as Record<string, unknown>, frame)
    this.#open.delete(container)
    this.#done.set(container, { length, height: frame.height })
    noteHeight(parent, frame.height)
    return length
  }

  #again({ length, height }: Extent, parent: Frame | undefined): number {
    if ((parent?.depth ?? 0) + height > MAX_DEPTH) refuse(parent, TOO_DEEP)
    this.#repeated += length
    if (this.#repeated > MAX_REPEATS) {
      refuse(
        parent,
        'is reached so often, with other shared objects, that their repeats would be more than a million characters',
      )
    }
    noteHeight(parent, height)
    return length
  }

  #object(object: Record<string, unknown>, frame: Frame): number {
    let length = 2
    for (const key of Object.keys(object)) {
      frame.at = key
      length += checkText(key, frame) + this.member(object[key], frame) + 2
    }
    return length
  }

  #array(array: unknown[], frame: Frame): number {
    let length = 2
    for (let index = 0; index < array.length; index++) {
      frame.at = index
      const member = array[index]
      if (member === undefined && !Object.hasOwn(array, index)) refuse(frame, 'is a hole in an array. Store `null`')
      length += this.member(member, frame) + 1
    }
    const keys = Object.keys(array)
    if (keys.length === array.length) return length
    frame.at = keys[array.length]
    return refuse(frame, 'is a named property of an array, which JSON leaves out. Use an object')
  }
}

function noteHeight(parent: Frame | undefined, height: number): void {
  if (parent !== undefined && parent.height <= height) parent.height = height + 1
}

function checkText(text: string, frame: Frame | undefined): number {
  // Node has it since version 20, but TypeScript's library for ES2023 does not declare it.
  if ((text as string & { isWellFormed(): boolean }).isWellFormed()) return text.length + 2
  return refuse(
    frame,
    'holds a lone surrogate, which programs in other languages refuse or replace. Use `toWellFormed()`',
  )
}

function checkNumber(value: number, frame: Frame | undefined): number {
  if (!Number.isFinite(value)) refuse(frame, `is ${value}, which JSON cannot hold`)
  if (Object.is(value, -0)) refuse(frame, 'is -0, which is read back as 0. Store 0')
  return 8
}

function checkPrototype(container: object, array: boolean, frame: Frame): void {
  const prototype = Object.getPrototypeOf(container)
  if (prototype === (array ? Array.prototype : Object.prototype)) return
  if (prototype === null)
    refuse(frame.parent, 'has no prototype, and would be read back with one. Spread it: `{ ...it }`')
  if (!isForeignPrototype(prototype, array ? 'Array' : 'Object')) refuseInstance(container, frame)
}

function refuseInstance(container: object, frame: Frame): never {
  const hint = 'Store a plain value instead, or use RichEncoding'
  return refuse(frame.parent, `is an instance of ${classNameOf(container)}, which JSON cannot hold. ${hint}`)
}
