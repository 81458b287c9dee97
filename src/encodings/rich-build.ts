import { DecodingError } from '../errors/errors.js'
import { loggable, messageOf } from '../errors/quoted-input.js'
import type { RegisteredType } from './rich-types.js'
import { MAX_DIGITS } from './walk.js'

/** Builds a value of a built-in class from its stored parts; `undefined` if the parts are invalid. */
type Maker = (parts: readonly unknown[]) => unknown

/** Classes whose values contain no other values. */
const LEAVES: ReadonlyMap<string, Maker> = new Map<string, Maker>([
  ['Date', ([text]) => date(text)],
  ['RegExp', ([source, flags]) => attempt(source, text => new RegExp(text, flags as string | undefined))],
  ['BigInt', ([text]) => bigInt(text)],
  ['ArrayBuffer', ([text]) => memory(text)],
  ['URL', ([text]) => attempt(text, it => new URL(it))],
  ['URLSearchParams', ([text]) => attempt(text, it => new URLSearchParams(it))],
])

export function isLeaf(name: string): boolean {
  return LEAVES.has(name) || name.startsWith('Temporal.')
}

/** Returns a value of the built-in class of that name; `undefined` if the parts are invalid. */
export function leaf(name: string, parts: readonly unknown[]): unknown {
  const maker = LEAVES.get(name)
  if (maker !== undefined) return maker(parts)
  if (name.startsWith('Temporal.')) return temporal(name.slice('Temporal.'.length), parts[0])
  return name === 'Object' ? boxed(parts[0]) : view(name, parts)
}

/** Calls an engine's constructor with text. Its errors quote the text, and are dropped. */
function attempt(text: unknown, make: (text: string) => unknown): unknown {
  if (typeof text !== 'string') return undefined
  try {
    return make(text)
  } catch {
    return undefined
  }
}

function date(text: unknown): Date | undefined {
  if (typeof text !== 'string') return undefined
  const made = new Date(text)
  return text !== '' && Number.isNaN(made.getTime()) ? undefined : made
}

function bigInt(text: unknown): bigint | undefined {
  if (typeof text !== 'string' || !/^-?\d+$/.test(text)) return undefined
  if (text.length <= MAX_DIGITS + 1) return BigInt(text)
  throw new DecodingError(`The stored value holds a BigInt of more than ${MAX_DIGITS} digits`)
}

function memory(text: unknown): ArrayBuffer | undefined {
  if (typeof text !== 'string' || !/^[A-Za-z0-9+/]*={0,2}$/.test(text)) return undefined
  const bytes = Buffer.from(text, 'base64')
  // Small Buffers share a pool of memory.
  return bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength) as ArrayBuffer
}

function temporal(name: string, text: unknown): unknown {
  const { Temporal } = globalThis as { Temporal?: Record<string, { from(text: string): object }> }
  const Class = Temporal?.[name]
  if (Class === undefined) {
    throw new DecodingError('The stored value holds a Temporal object, which this version of Node.js does not have')
  }
  return attempt(text, it => Class.from(it))
}

function boxed(primitive: unknown): unknown {
  const isBoxable = primitive !== undefined && primitive !== null && typeof primitive !== 'object'
  return isBoxable ? Object(primitive) : undefined
}

type ViewClass = new (buffer: ArrayBuffer, offset?: number, length?: number) => ArrayBufferView

function view(name: string, [buffer, offset, length]: readonly unknown[]): unknown {
  if (!(buffer instanceof ArrayBuffer) || !isSize(offset) || !isSize(length)) return undefined
  const Class = (globalThis as unknown as Record<string, ViewClass | undefined>)[name]
  if (Class === undefined) {
    throw new DecodingError(`The stored value holds a ${name}, which this version of Node.js does not have`)
  }
  try {
    return new Class(buffer, offset, length)
  } catch {
    return undefined
  }
}

function isSize(size: unknown): size is number | undefined {
  return size === undefined || typeof size === 'number'
}

export function emptyInstance({ prototype, isError }: RegisteredType): object {
  return isError ? emptyError(prototype) : Object.create(prototype)
}

/** Creates a real error, which loggers and debuggers recognize, without the stack of this place or anything else of its own. */
export function emptyError(prototype: object): object {
  const error = new Error()
  for (const key of Reflect.ownKeys(error)) Reflect.deleteProperty(error, key)
  return Object.setPrototypeOf(error, prototype)
}

const LAST_INDEX = 2 ** 32 - 2

/** Sets the length without allocating memory for it: the text may claim any length. */
export function emptyArray(length: number): unknown[] {
  const array: unknown[] = []
  array[LAST_INDEX] = undefined
  delete array[LAST_INDEX]
  array.length = length
  return array
}

/** Returns an instance that the caller's `decode` built. @throws DecodingError */
export function callDecode({ name, codec, prototype }: RegisteredType, data: unknown): unknown {
  let instance: unknown
  try {
    instance = codec?.decode(data)
  } catch (error) {
    throw new DecodingError(`\`decode\` of type ${name} threw: ${messageOf(error)}`, { cause: loggable(error) })
  }
  const fits = typeof instance === 'object' && instance !== null && Object.getPrototypeOf(instance) === prototype
  if (!fits) throw new DecodingError(`\`decode\` of type ${name} did not return an instance of its class`)
  return instance
}
