import { types as brands } from 'node:util'
import { classNameOf, isForeignPrototype } from './walk.js'

/** A built-in class that RichEncoding keeps. */
export interface Builtin {
  readonly name: string
  /** How its content is inspected; a `leaf` has none. */
  readonly shape: 'leaf' | 'map' | 'set' | 'buffer' | 'view' | 'error'
  /** Whether the object really is one. Its prototype alone proves nothing: `Object.create(Map.prototype)`. */
  is(container: object): boolean
}

const typedArrays: Builtin[] = [
  ...['Int8Array', 'Uint8Array', 'Uint8ClampedArray', 'Int16Array', 'Uint16Array', 'Float16Array', 'Int32Array'],
  ...['Uint32Array', 'Float32Array', 'Float64Array', 'BigInt64Array', 'BigUint64Array'],
].map(name => ({
  name,
  shape: 'view',
  is: it => (it as { [Symbol.toStringTag]?: unknown })[Symbol.toStringTag] === name,
}))

const errors: Builtin[] = [
  ...['Error', 'EvalError', 'RangeError', 'ReferenceError', 'SyntaxError', 'TypeError', 'URIError', 'AggregateError'],
].map(name => ({ name, shape: 'error', is: brands.isNativeError }))

const temporals: Builtin[] = [
  ...[
    'Duration',
    'Instant',
    'PlainDate',
    'PlainTime',
    'PlainDateTime',
    'PlainMonthDay',
    'PlainYearMonth',
    'ZonedDateTime',
  ],
].map(name => ({ name: `Temporal.${name}`, shape: 'leaf', is: () => true }))

const BUILTINS: Builtin[] = [
  { name: 'Date', shape: 'leaf', is: brands.isDate },
  { name: 'RegExp', shape: 'leaf', is: brands.isRegExp },
  { name: 'Map', shape: 'map', is: brands.isMap },
  { name: 'Set', shape: 'set', is: brands.isSet },
  { name: 'ArrayBuffer', shape: 'buffer', is: brands.isArrayBuffer },
  { name: 'DataView', shape: 'view', is: brands.isDataView },
  { name: 'Number', shape: 'leaf', is: brands.isNumberObject },
  { name: 'String', shape: 'leaf', is: brands.isStringObject },
  { name: 'Boolean', shape: 'leaf', is: brands.isBooleanObject },
  { name: 'BigInt', shape: 'leaf', is: brands.isBigIntObject },
  { name: 'URL', shape: 'leaf', is: it => it instanceof URL },
  { name: 'URLSearchParams', shape: 'leaf', is: it => it instanceof URLSearchParams },
  ...typedArrays,
  ...errors,
  ...temporals,
]

/** Further names that devalue writes for built-in classes. */
export const BUILTIN_NAMES: ReadonlySet<string> = new Set([...BUILTINS.map(each => each.name), 'Object', 'null'])

const byPrototype = new Map<object, Builtin>()
for (const builtin of BUILTINS) {
  const global = globalOf(builtin.name)
  if (global !== undefined) byPrototype.set(global.prototype, builtin)
}
// A Buffer is stored as the Uint8Array that it is, as in structured clone.
byPrototype.set(Buffer.prototype, byPrototype.get(Uint8Array.prototype) as Builtin)

/** Returns the class of that name if this engine has it (Temporal and Float16Array are recent). */
function globalOf(name: string): { prototype: object } | undefined {
  let found: unknown = globalThis
  for (const part of name.split('.')) found = (found as Record<string, unknown> | undefined)?.[part]
  return found as { prototype: object } | undefined
}

/** Returns the built-in class that `container` is a direct instance of; `undefined` for subclasses and everything else. */
export function builtinOf(container: object, prototype: object): Builtin | undefined {
  const own = byPrototype.get(prototype)
  if (own !== undefined) return isDisguised(container, own) ? undefined : own
  const name = classNameOf(container)
  const foreign = BUILTINS.find(each => each.name === name)
  if (foreign === undefined || !isForeignPrototype(prototype, name)) return undefined
  return isDisguised(container, foreign) ? undefined : foreign
}

function isDisguised(container: object, builtin: Builtin): boolean {
  return Object.hasOwn(container, Symbol.toStringTag) || !builtin.is(container)
}

/** Whether the prototype belongs to a native error class. Such objects have more than their enumerable properties. */
export function isErrorPrototype(prototype: object): boolean {
  return byPrototype.get(prototype)?.shape === 'error'
}

const errorPrototypes = new Map(errors.map(({ name }) => [name, globalOf(name)?.prototype]))

/** Returns the prototype of the native error class of that name. */
export function errorPrototypeOf(name: string): object | undefined {
  return errorPrototypes.get(name)
}
