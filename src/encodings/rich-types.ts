import { BUILTIN_NAMES, isErrorPrototype } from './builtins.js'
import { isNativeFunction } from './walk.js'

/** A class, with a public or private constructor. */
export interface RichClass {
  readonly prototype: object
  readonly name: string
}

/** How to store a class that has private state or validates what it is built from. */
export interface RichCodec {
  readonly class: RichClass
  /**
   * Returns the state of `instance`, as any value that RichEncoding supports. It may contain other registered classes, but nothing
   * that refers back to the instance.
   */
  // biome-ignore lint/suspicious/noExplicitAny: the instance has the type of `class`, which only the caller knows
  encode(instance: any): unknown
  /** Returns a new instance from such a state. Validate the state if others write to the store. */
  // biome-ignore lint/suspicious/noExplicitAny: as above
  decode(data: any): object
}

/** The caller's own classes, by the name that stored text uses for them. */
export type RichTypes = Readonly<Record<string, RichClass | RichCodec>>

/** A registered class. */
export interface RegisteredType {
  readonly name: string
  readonly prototype: object
  /** Whether its instances are errors, which have more than their enumerable properties. */
  readonly isError: boolean
  readonly codec: RichCodec | undefined
}

/** The registered classes, by name and by prototype. */
export interface TypeRegistry {
  readonly byName: ReadonlyMap<string, RegisteredType>
  readonly byPrototype: ReadonlyMap<object, RegisteredType>
}

/** @throws TypeError if `types` does not name classes, each once and under a free name */
export function registerTypes(types: RichTypes = {}): TypeRegistry {
  if (!isObject(types)) throw new TypeError('`types` must be an object of classes by name, such as { Money }')
  const byName = new Map<string, RegisteredType>()
  const byPrototype = new Map<object, RegisteredType>()
  for (const [name, entry] of Object.entries(types)) {
    const type = register(name, entry)
    const other = byPrototype.get(type.prototype)
    if (other !== undefined) throw new TypeError(`\`types\` names one class twice: ${other.name} and ${name}`)
    byName.set(name, type)
    byPrototype.set(type.prototype, type)
  }
  return { byName, byPrototype }
}

// The text of an encoded value contains the name in quotes, unescaped. Our own types have a `+` in their names.
const NAME = /^[\p{L}_$][\p{L}\p{N}_$.:/-]*$/u

function register(name: string, entry: unknown): RegisteredType {
  if (!NAME.test(name) || name === '__proto__') {
    throw new TypeError(
      `\`types\`: ${JSON.stringify(name)} is not a valid type name. Use letters, digits, and _ $ . : / -`,
    )
  }
  if (BUILTIN_NAMES.has(name)) throw new TypeError(`\`types\`: the name ${name} belongs to a built-in class`)
  const codec = isObject(entry) ? checkCodec(name, entry as Partial<RichCodec>) : undefined
  const prototype = prototypeOf(name, codec === undefined ? entry : codec.class)
  return { name, prototype, isError: checkAncestors(name, prototype, codec), codec }
}

function checkCodec(name: string, entry: Partial<RichCodec>): RichCodec {
  if (typeof entry.encode === 'function' && typeof entry.decode === 'function') return entry as RichCodec
  throw new TypeError(`\`types.${name}\` must be a class, or { class, encode, decode }`)
}

function prototypeOf(name: string, value: unknown): object {
  const prototype = typeof value === 'function' ? value.prototype : undefined
  if (isObject(prototype) && typeof value === 'function' && !isNativeFunction(value)) return prototype as object
  const what = isObject(prototype) ? 'a built-in class, which needs no registration or cannot be kept' : 'not a class'
  throw new TypeError(`\`types.${name}\` is ${what}`)
}

/** Refuses a class whose base has state outside own properties. Returns whether its instances are errors. */
function checkAncestors(name: string, prototype: object, codec: RichCodec | undefined): boolean {
  let isError = false
  for (let above = Object.getPrototypeOf(prototype); above !== null; above = Object.getPrototypeOf(above)) {
    if (above === Object.prototype) continue
    if (isErrorPrototype(above)) isError = true
    else if (codec === undefined && isNativeFunction(above.constructor)) {
      throw new TypeError(
        `\`types.${name}\` extends ${above.constructor.name}, whose content is not in its own properties: ` +
          `give \`types: { ${name}: { class, encode, decode } }\``,
      )
    }
  }
  return isError
}

function isObject(value: unknown): boolean {
  return typeof value === 'object' && value !== null
}
