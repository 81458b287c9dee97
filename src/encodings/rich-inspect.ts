import { EncodingError } from '../errors/errors.js'
import { type Builtin, builtinOf } from './builtins.js'
import type { RegisteredType, TypeRegistry } from './rich-types.js'
import {
  classNameOf,
  enter,
  type Frame,
  isForeignPrototype,
  isNativeFunction,
  isTooLong,
  MAX_DIGITS,
  refuse,
  refuseSymbolKeys,
} from './walk.js'

/** Type names in stored text for what devalue would drop or refuse. Names that a caller can register contain no `+`. */
export const OWN_TYPES = { array: 'Array+', object: 'Object+', nullObject: 'null+' } as const

/** Names and values in turn: for members that a plain object in the text could not hold, such as `__proto__`. */
type MemberList = unknown[]

/** What devalue needs to write a value without loss. */
export interface Findings {
  /** The objects to replace, by the name of their type. */
  readonly substitutes: ReadonlyMap<string, ReadonlyMap<object, object>>
  /** Whether there is anything besides primitives, plain objects and arrays. */
  readonly exotic: boolean
}

/**
 * Inspects a value before devalue writes it, and refuses what would be lost or changed.
 * @throws EncodingError with the path of what cannot be stored
 */
export function inspect(value: unknown, types: TypeRegistry): Findings {
  const inspection = new Inspection(types)
  inspection.member(value, undefined)
  return inspection
}

class Inspection implements Findings {
  readonly substitutes = new Map<string, Map<object, object>>()
  exotic = false
  readonly #types: TypeRegistry
  readonly #seen = new Set<object>()
  /** How many of the containers around the current member the caller's `decode` restores. */
  #codecs = 0

  constructor(types: TypeRegistry) {
    this.#types = types
  }

  member(value: unknown, frame: Frame | undefined): void {
    if (typeof value === 'object') {
      if (value !== null) this.#container(value, frame)
    } else if (typeof value === 'function' || typeof value === 'symbol') {
      refuse(frame, `is a ${typeof value}, which cannot be stored. Leave it out`)
    } else if (typeof value === 'bigint') checkBigInt(value, frame)
  }

  #container(container: object, parent: Frame | undefined): void {
    if (this.#seen.has(container)) {
      if (this.#codecs > 0) refuseCycleThroughCodec(container, parent)
      return
    }
    this.#seen.add(container)
    const frame = enter(parent, container)
    const prototype = Object.getPrototypeOf(container)
    if (prototype === Object.prototype || prototype === null) this.#object(container as Record<string, unknown>, frame)
    else if (prototype === Array.prototype && Array.isArray(container)) this.#array(container, frame)
    else this.#instance(container, prototype, frame)
  }

  #object(object: Record<string, unknown>, frame: Frame): void {
    refuseSymbolKeys(object, frame)
    const keys = Object.keys(object)
    this.#members(object, keys, frame)
    if (!keys.includes('__proto__')) return
    const name = Object.getPrototypeOf(object) === null ? OWN_TYPES.nullObject : OWN_TYPES.object
    this.#substitute(name, object, listOf(object, keys))
  }

  #members(object: Record<string, unknown>, keys: string[], frame: Frame): void {
    for (const key of keys) {
      frame.at = key
      this.member(object[key], frame)
    }
  }

  #array(array: unknown[], frame: Frame): void {
    refuseSymbolKeys(array, frame)
    let index = 0
    for (; index < array.length; index++) {
      const value = array[index]
      // From the first hole on, visit keys: the array may claim a length of four thousand million.
      if (value === undefined && !Object.hasOwn(array, index)) break
      frame.at = index
      this.member(value, frame)
    }
    const keys = Object.keys(array)
    if (keys.length > index) this.#sparseOrNamed(array, keys, index, frame)
  }

  #sparseOrNamed(array: unknown[], keys: string[], from: number, frame: Frame): void {
    for (const key of keys.slice(from)) {
      frame.at = isIndex(key) ? Number(key) : key
      this.member((array as unknown as Record<string, unknown>)[key], frame)
    }
    // Indices come first. A key after them is a named property, which structured clone keeps and devalue drops.
    if (isIndex(keys.at(-1) as string)) return
    this.#substitute(OWN_TYPES.array, array, [
      array.length,
      ...listOf(array as unknown as Record<string, unknown>, keys),
    ])
  }

  #instance(container: object, prototype: object, frame: Frame): void {
    this.exotic = true
    const type = this.#types.byPrototype.get(prototype)
    const builtin = type === undefined ? builtinOf(container, prototype) : undefined
    if (type !== undefined) this.#registered(container, type, frame)
    else if (builtin !== undefined) this.#builtin(container, builtin, frame)
    else if (Array.isArray(container)) {
      if (!isForeignPrototype(prototype, 'Array')) refuseUnknown(container, frame)
      this.#array(container, frame)
    } else {
      if (!isForeignPrototype(prototype, 'Object')) refuseUnknown(container, frame)
      this.#object(container as Record<string, unknown>, frame)
    }
  }

  #registered(container: object, type: RegisteredType, frame: Frame): void {
    if (type.codec !== undefined) this.#encoded(container, type, frame)
    else if (type.isError) this.#properties(type.name, container, errorKeys(container), frame)
    else this.#properties(type.name, container, Object.keys(container), frame)
  }

  /** Stores an object by its properties, as a plain object in the text. */
  #properties(name: string, container: object, keys: string[], frame: Frame): void {
    refuseSymbolKeys(container, frame)
    const members = container as Record<string, unknown>
    // Read once: an accessor may return something else each time.
    const list = listOf(members, keys)
    frame.depth += 1
    const substitute = keys.includes('__proto__')
      ? list
      : Object.fromEntries(keys.map((key, n) => [key, list[2 * n + 1]]))
    this.#substitute(name, container, substitute)
    for (let n = 0; n < keys.length; n++) {
      frame.at = keys[n]
      this.member(list[2 * n + 1], frame)
    }
  }

  #encoded(container: object, type: RegisteredType, frame: Frame): void {
    let data: unknown
    try {
      data = type.codec?.encode(container)
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error)
      refuse(frame.parent, `cannot be encoded: \`encode\` of type ${type.name} threw: ${message}`, error)
    }
    // Wrapped in an array, so that shared or falsy data does not matter.
    this.#substitute(type.name, container, [data])
    frame.via = '.encode()'
    frame.depth += 2
    this.#codecs++
    this.member(data, frame)
    this.#codecs--
  }

  #builtin(container: object, { name, shape }: Builtin, frame: Frame): void {
    if (shape === 'map') this.#map(container as Map<unknown, unknown>, frame)
    else if (shape === 'set') this.#set(container as Set<unknown>, frame)
    else if (shape === 'buffer') checkBuffer(container as ArrayBuffer, frame)
    else if (shape === 'view') checkBuffer((container as ArrayBufferView).buffer, frame)
    else if (shape === 'error') this.#properties(name, container, errorKeys(container), frame)
    else if (name === 'BigInt') checkBigInt(container.valueOf() as unknown as bigint, frame.parent)
  }

  /** Key by key, in the order in which devalue writes and reads them: this decides what a cycle passes through. */
  #map(map: Map<unknown, unknown>, frame: Frame): void {
    let index = 0
    for (const [key, value] of map) {
      frame.via = '.keys()'
      frame.at = index++
      this.member(key, frame)
      frame.via = '.get'
      frame.at = key
      this.member(value, frame)
    }
  }

  #set(set: Set<unknown>, frame: Frame): void {
    frame.via = '.values()'
    let index = 0
    for (const member of set) {
      frame.at = index++
      this.member(member, frame)
    }
  }

  #substitute(name: string, container: object, substitute: object): void {
    const ofType = this.substitutes.get(name) ?? new Map<object, object>()
    this.substitutes.set(name, ofType.set(container, substitute))
  }
}

function listOf(object: Record<string, unknown>, keys: string[]): MemberList {
  return keys.flatMap(key => [key, object[key]])
}

function isIndex(key: string): boolean {
  const index = Number(key) >>> 0
  return String(index) === key && index !== 0xffff_ffff
}

/** Returns an error's hidden members, and its enumerable properties such as `code`. */
function errorKeys(error: object): string[] {
  const hidden = ['message', 'stack', 'cause', 'errors', 'name'].filter(key => Object.hasOwn(error, key))
  return [...new Set([...hidden, ...Object.keys(error)])]
}

function checkBigInt(value: bigint, frame: Frame | undefined): void {
  if (isTooLong(value)) refuse(frame, `is a BigInt of more than ${MAX_DIGITS} digits. Store its bytes`)
}

function checkBuffer(buffer: ArrayBufferLike, frame: Frame): void {
  if (Object.prototype.toString.call(buffer) !== '[object ArrayBuffer]') {
    refuse(frame.parent, 'is shared memory, which a store cannot hold. Copy the bytes with `slice()`')
  }
  const { resizable, detached } = buffer as { resizable?: boolean; detached?: boolean }
  if (resizable === true) refuse(frame.parent, 'is memory of variable size. Copy the bytes with `slice()`')
  if (detached === true) refuse(frame.parent, 'is memory that was transferred elsewhere. Store what it was moved to')
}

/** The argument of `decode` must be complete, which is impossible if it refers back to the instance or its container. */
function refuseCycleThroughCodec(container: object, frame: Frame | undefined): void {
  let through = false
  for (let step = frame; step !== undefined; step = step.parent) {
    through ||= step.via === '.encode()'
    if (step.container !== container) continue
    if (through) refuse(frame, 'closes a cycle through an object that is rebuilt by `decode`. Leave the way back out')
    return
  }
}

function refuseUnknown(container: object, frame: Frame): never {
  const name = classNameOf(container)
  if (container instanceof Promise) refuse(frame.parent, 'is a Promise. Store what it resolves to: `await` it')
  const native = isNativeFunction(Object.getPrototypeOf(container).constructor)
  if (native) refuse(frame.parent, `is an instance of ${name}, which cannot be stored. Leave it out`)
  const hint = `Register the class, new RichEncoding({ types: { ${name} } }), or store a plain value`
  return refuse(frame.parent, `is an instance of ${name}, which is not registered. ${hint}`)
}

/** Turns any error of encoding into an EncodingError: accessors may throw, and memory and stack may run out. */
export function asEncodingError(error: unknown): EncodingError {
  if (error instanceof EncodingError) return error
  const message = error instanceof Error ? error.message : String(error)
  return new EncodingError(`The value cannot be encoded: ${message}`, { cause: error })
}
