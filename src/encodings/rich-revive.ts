import { unflatten } from 'devalue'
import { DecodingError } from '../errors/errors.js'
import { BUILTIN_NAMES, errorPrototypeOf } from './builtins.js'
import { OWN_TYPES } from './rich-inspect.js'
import type { RegisteredType, TypeRegistry } from './rich-types.js'

type Reviver = (payload: unknown) => unknown

/** The value that devalue's flattened form stands for. Throws whatever it runs into. */
export function revive(flat: unknown, types: TypeRegistry): unknown {
  if (!Array.isArray(flat)) return unflatten(flat as number)
  const revivers = findRevivers(flat, types)
  return revivers === undefined ? unflatten(flat) : unflatten(flat, revivers)
}

/** Revivers of the types that occur, made anew for each text: they remember what they have built for it. */
function findRevivers(flat: unknown[], types: TypeRegistry): Record<string, Reviver> | undefined {
  let revivers: Record<string, Reviver> | undefined
  for (const entry of flat) {
    if (!Array.isArray(entry) || typeof entry[0] !== 'string') continue
    const name = entry[0]
    if (revivers !== undefined && Object.hasOwn(revivers, name)) continue
    const reviver = makeReviver(name, types)
    if (reviver === undefined) continue
    revivers ??= Object.create(null) as Record<string, Reviver>
    revivers[name] = reviver
  }
  return revivers
}

function makeReviver(name: string, types: TypeRegistry): Reviver | undefined {
  const type = types.byName.get(name)
  if (type?.codec !== undefined) return payload => decodeWith(type, payload)
  if (type !== undefined) return makeFiller(() => emptyInstance(type))
  const errorPrototype = errorPrototypeOf(name)
  if (errorPrototype !== undefined) return makeFiller(() => emptyError(errorPrototype))
  if (BUILTIN_NAMES.has(name)) return undefined
  if (name === OWN_TYPES.object) return makeFiller(() => ({}))
  if (name === OWN_TYPES.nullObject) return makeFiller(() => Object.create(null))
  if (name === OWN_TYPES.array) return makeFiller(emptyArray)
  throw new DecodingError(
    `The stored value holds the type ${JSON.stringify(name)}, which is not registered: use new RichEncoding({ types: { ${name} } })`,
  )
}

/**
 * A reviver that makes an empty object and fills it from its payload. Where a cycle leads back to the object, devalue
 * calls it before the payload is complete, and once more when it is: same object, filled with the rest.
 */
function makeFiller(make: (payload: object) => object): Reviver {
  const made = new Map<unknown, object>()
  return payload => {
    if (!isPayload(payload)) throw new Error('a type without its properties')
    const object = made.get(payload) ?? make(payload)
    made.set(payload, object)
    fill(object, payload)
    return object
  }
}

function isPayload(payload: unknown): payload is object {
  if (typeof payload !== 'object' || payload === null) return false
  return Array.isArray(payload) || Object.getPrototypeOf(payload) === Object.prototype
}

/** By definition, never by assignment: neither setters nor `__proto__` are obeyed. */
function fill(object: object, payload: object): void {
  if (!Array.isArray(payload)) {
    for (const key of Object.keys(payload)) define(object, key, (payload as Record<string, unknown>)[key])
    return
  }
  // A list of names and values; that of an array has its length before them. Holes are what is not complete yet.
  for (let at = payload.length % 2; at < payload.length; at += 2) {
    const key: unknown = payload[at]
    if (!Object.hasOwn(payload, at + 1)) continue
    if (typeof key !== 'string') throw new Error('a property whose name is not text')
    define(object, key, payload[at + 1])
  }
}

const HIDDEN_IN_ERRORS: ReadonlySet<string> = new Set(['message', 'stack', 'cause', 'errors'])

function define(object: object, key: string, value: unknown): void {
  const enumerable = !(object instanceof Error && HIDDEN_IN_ERRORS.has(key))
  Object.defineProperty(object, key, { value, enumerable, writable: true, configurable: true })
}

function emptyInstance({ prototype, isError }: RegisteredType): object {
  return isError ? emptyError(prototype) : Object.create(prototype)
}

/** A real error, which logs and debuggers know as one, but with neither this place's stack nor anything else of its own. */
function emptyError(prototype: object): object {
  const error = new Error()
  for (const key of Reflect.ownKeys(error)) Reflect.deleteProperty(error, key)
  return Object.setPrototypeOf(error, prototype)
}

const LAST_INDEX = 2 ** 32 - 2

/** Its length is set such that no memory is taken for it: the text may claim any. */
function emptyArray(payload: object): unknown[] {
  const length = Array.isArray(payload) ? payload[0] : undefined
  if (typeof length !== 'number') throw new Error('an array without a length')
  const array: unknown[] = []
  array[LAST_INDEX] = undefined
  delete array[LAST_INDEX]
  array.length = length
  return array
}

function decodeWith({ name, codec, prototype }: RegisteredType, payload: unknown): unknown {
  if (!Array.isArray(payload) || !Object.hasOwn(payload, 0)) throw new Error(`a ${name} that contains itself`)
  const instance: unknown = codec?.decode(payload[0])
  const fits = typeof instance === 'object' && instance !== null && Object.getPrototypeOf(instance) === prototype
  if (!fits) throw new Error(`\`decode\` of type ${name} did not return an instance of its class`)
  return instance
}
