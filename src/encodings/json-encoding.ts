import { DecodingError, EncodingError } from '../errors/errors.js'
import type { Encoding } from './encoding.js'
import { classNameOf, enter, type Frame, isForeignPrototype, MAX_DEPTH, refuse, refuseSymbolKeys } from './walk.js'

/**
 * Plain JSON text (RFC 8259), for stores that programs in other languages read and write.
 *
 * What one reads equals what one wrote: whatever JSON would silently change or leave out is refused instead. That is
 * `undefined` inside (write `null`, or leave the member out), NaN, Infinity and -0, BigInt, functions and symbols, Date,
 * Map, Set, typed arrays and any other class instance (also one with `toJSON`), objects without a prototype, arrays with
 * holes or with named properties, symbol keys, cycles, and strings or keys with lone surrogates (valid for JavaScript, but
 * other languages refuse or replace them).
 *
 * One thing that JSON does not keep is accepted: an object reached in two ways is written twice, and read as two equal
 * objects. Values read are frozen, so that nothing but `===` can tell. Properties that are not enumerable are left out, and an
 * accessor is read. An own `__proto__` member is an ordinary one.
 */
export class JSONEncoding implements Encoding<string> {
  readonly name = 'JSONEncoding'

  /**
   * @throws EncodingError where JSON cannot keep the value, naming the path of the offending member, and where it is
   * nested more than 500 levels deep
   * @throws TypeError for `undefined`, which is no value
   */
  encode(value: unknown): string {
    if (value === undefined) throw new TypeError('`undefined` is not a value: delete the key, or store `null`')
    try {
      check(value, undefined)
      return JSON.stringify(value)
    } catch (error) {
      if (error instanceof EncodingError) throw error
      throw new EncodingError(`The value cannot be written as JSON: ${reason(error)}`, { cause: error })
    }
  }

  /** @throws DecodingError where `stored` is not JSON text, or nested more than 500 levels deep */
  decode(stored: string): unknown {
    if (typeof stored !== 'string') throw new DecodingError(`JSONEncoding reads text, not ${typeof stored}`)
    if (isTooDeep(stored)) throw new DecodingError(`The stored JSON is nested more than ${MAX_DEPTH} levels deep`)
    try {
      return JSON.parse(stored)
    } catch (error) {
      throw new DecodingError(`The stored text is not JSON: ${reason(error)}`, { cause: error })
    }
  }
}

function reason(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

function check(value: unknown, frame: Frame | undefined): void {
  if (typeof value === 'string') checkText(value, frame)
  else if (typeof value === 'number') checkNumber(value, frame)
  else if (typeof value === 'object') {
    if (value !== null) checkContainer(value, frame)
  } else if (value === undefined) refuse(frame, 'is `undefined`, which JSON cannot hold. Leave it out, or store `null`')
  else if (typeof value !== 'boolean') refuse(frame, `is a ${typeof value}, which JSON cannot hold`)
}

function checkText(text: string, frame: Frame | undefined): void {
  // Node has had it since version 20, the library of types for ES2023 has not.
  if ((text as string & { isWellFormed(): boolean }).isWellFormed()) return
  refuse(frame, 'holds a lone surrogate, which programs in other languages refuse or replace. Use `toWellFormed()`')
}

function checkNumber(value: number, frame: Frame | undefined): void {
  if (!Number.isFinite(value)) refuse(frame, `is ${value}, which JSON cannot hold`)
  if (Object.is(value, -0)) refuse(frame, 'is -0, which is read back as 0. Store 0')
}

function checkContainer(container: object, parent: Frame | undefined): void {
  for (let above = parent; above !== undefined; above = above.parent) {
    if (above.container === container)
      refuse(parent, 'refers back to what contains it (a cycle), which JSON cannot hold')
  }
  const frame = enter(parent, container)
  const array = Array.isArray(container)
  checkPrototype(container, array, frame)
  refuseSymbolKeys(container, frame)
  // JSON.stringify would call it, even where it is inherited or not enumerable.
  if (typeof (container as { toJSON?: unknown }).toJSON === 'function') {
    refuse(parent, 'has a method `toJSON`, which would store something else. Store what it returns')
  }
  if (array) checkArray(container, frame)
  else checkObject(container as Record<string, unknown>, frame)
}

function checkPrototype(container: object, array: boolean, frame: Frame): void {
  const prototype = Object.getPrototypeOf(container)
  if (prototype === (array ? Array.prototype : Object.prototype)) return
  if (prototype === null)
    refuse(frame.parent, 'has no prototype, and would be read back with one. Spread it: `{ ...it }`')
  if (!isForeignPrototype(prototype, array ? 'Array' : 'Object')) refuseInstance(container, frame)
}

function checkObject(object: Record<string, unknown>, frame: Frame): void {
  for (const key of Object.keys(object)) {
    frame.at = key
    checkText(key, frame)
    check(object[key], frame)
  }
}

function checkArray(array: unknown[], frame: Frame): void {
  for (let index = 0; index < array.length; index++) {
    frame.at = index
    const member = array[index]
    if (member === undefined && !Object.hasOwn(array, index)) refuse(frame, 'is a hole in an array. Store `null`')
    check(member, frame)
  }
  const keys = Object.keys(array)
  if (keys.length === array.length) return
  frame.at = keys[array.length]
  refuse(frame, 'is a named property of an array, which JSON leaves out. Use an object')
}

function refuseInstance(container: object, frame: Frame): never {
  const hint = 'Store a plain value instead, or use RichEncoding'
  return refuse(frame.parent, `is an instance of ${classNameOf(container)}, which JSON cannot hold. ${hint}`)
}

const QUOTE = 34
const BACKSLASH = 92

/**
 * Whether the text nests deeper than any value that `encode` writes. JSON.parse itself takes any depth, and the value
 * would then overflow the stack of whoever walks through it.
 */
function isTooDeep(text: string): boolean {
  if (text.length <= MAX_DEPTH) return false
  let depth = 0
  for (let index = 0; index < text.length; index++) {
    const char = text.charCodeAt(index)
    if (char === QUOTE) index = endOfString(text, index)
    else if (char === 91 /* [ */ || char === 123 /* { */) {
      if (++depth > MAX_DEPTH) return true
    } else if (char === 93 /* ] */ || char === 125 /* } */) depth--
  }
  return false
}

/** Where the string that opens at `start` closes: at the first quote after an even number of backslashes. */
function endOfString(text: string, start: number): number {
  let end = text.indexOf('"', start + 1)
  while (end !== -1) {
    let slashes = 0
    while (text.charCodeAt(end - 1 - slashes) === BACKSLASH) slashes++
    if (slashes % 2 === 0) return end
    end = text.indexOf('"', end + 1)
  }
  return text.length
}
