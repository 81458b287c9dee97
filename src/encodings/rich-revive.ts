import { DecodingError } from '../errors/errors.js'
import { BUILTIN_NAMES, errorPrototypeOf } from './builtins.js'
import { callDecode, emptyArray, emptyError, emptyInstance, isLeaf, leaf } from './rich-build.js'
import { OWN_TYPES } from './rich-inspect.js'
import type { RegisteredType, TypeRegistry } from './rich-types.js'
import { MAX_DEPTH } from './walk.js'

/** What devalue writes instead of a reference: values without an entry, and marks of arrays. */
const [UNDEFINED, HOLE, NAN, INFINITE, NEGATIVE_INFINITE, NEGATIVE_ZERO, SPARSE] = [-1, -2, -3, -4, -5, -6, -7]

const WITHOUT_ENTRY: ReadonlyMap<unknown, unknown> = new Map<unknown, unknown>([
  [UNDEFINED, undefined],
  [NAN, Number.NaN],
  [INFINITE, Number.POSITIVE_INFINITY],
  [NEGATIVE_INFINITE, Number.NEGATIVE_INFINITY],
  [NEGATIVE_ZERO, -0],
])

/**
 * Returns the value that devalue's flattened form represents: a list of entries. The first is the value; the others are
 * referenced by position.
 *
 * @throws DecodingError that says what is wrong and never quotes stored text, and errors of the caller's `decode`.
 */
export function revive(flat: unknown, types: TypeRegistry): unknown {
  if (WITHOUT_ENTRY.has(flat)) return WITHOUT_ENTRY.get(flat)
  if (Array.isArray(flat) && flat.length > 0) return new Revival(flat, types).run()
  throw new DecodingError('The stored text is damaged: it is not a list of entries')
}

/** A container under construction. */
interface Frame {
  readonly refs: readonly unknown[]
  /** The index of the next of `refs` to add. */
  at: number
  add(value: unknown, n: number): void
  /** Creates the container, if that is possible only when all parts exist. */
  readonly finish?: () => unknown
  readonly index: number
}

const [UNTOUCHED, UNFINISHED, USABLE] = [0, 1, 2]

/**
 * Builds a value from its entries, each of them once, with an explicit stack instead of recursion. The work is linear in the
 * number of references, and only `MAX_DEPTH` limits the depth.
 */
export class Revival {
  /** How many references were followed, for tests of the cost. */
  steps = 0
  readonly #entries: readonly unknown[]
  readonly #types: TypeRegistry
  readonly #state: number[] = []
  readonly #built: unknown[] = []
  /** Entries that were filled into an instance. Sharing one could cost work out of proportion to the text. */
  readonly #payloads = new Set<unknown>()
  readonly #frames: Frame[] = []

  constructor(entries: readonly unknown[], types: TypeRegistry) {
    this.#entries = entries
    this.#types = types
  }

  run(): unknown {
    this.#begin(0)
    for (let frame = this.#frames.at(-1); frame !== undefined; frame = this.#frames.at(-1)) this.#step(frame)
    return this.#built[0]
  }

  /** Adds the next part to the container, or begins with that part. */
  #step(frame: Frame): void {
    this.steps += 1
    const { refs, at, index } = frame
    const ref = refs[at]
    if (at === refs.length) this.#end(frame)
    else if (typeof ref !== 'number') throw damaged(index, 'has a part that is not a reference')
    else if (ref >= 0 && this.#stateOf(ref, frame) === UNTOUCHED) this.#begin(ref)
    else {
      frame.at += 1
      if (ref !== HOLE) frame.add(ref < 0 ? withoutEntry(ref, index) : this.#built[ref], at)
      else if (!Array.isArray(this.#built[index])) throw damaged(index, 'has a hole, but is not an array')
    }
  }

  #stateOf(ref: number, frame: Frame): number {
    const state = this.#state[ref]
    if (state === UNFINISHED) throw damaged(ref, 'contains itself')
    if (state !== undefined) return state
    if (Number.isInteger(ref) && ref < this.#entries.length) return UNTOUCHED
    throw damaged(frame.index, 'refers to an entry that does not exist')
  }

  #end(frame: Frame): void {
    this.#frames.pop()
    if (frame.finish !== undefined) this.#use(frame.index, frame.finish())
  }

  #use(index: number, value: unknown): void {
    this.#built[index] = value
    this.#state[index] = USABLE
  }

  #begin(index: number): void {
    const entry = this.#entries[index]
    if (typeof entry !== 'object' || entry === null) this.#use(index, entry)
    else if (!Array.isArray(entry)) this.#object(index, {}, entry as Record<string, unknown>)
    else if (typeof entry[0] === 'string') this.#typed(index, entry[0], entry)
    else if (entry[0] === SPARSE) this.#sparse(index, entry)
    else this.#dense(index, entry)
  }

  #dense(index: number, entry: readonly unknown[]): void {
    const array: unknown[] = new Array(entry.length)
    this.#push(index, array, entry, (value, n) => {
      array[n] = value
    })
  }

  /** Pushes a container. It is usable immediately, because cycles refer back to it. */
  #push(index: number, container: object, refs: readonly unknown[], add: Frame['add']): void {
    this.#use(index, container)
    this.#enter({ index, refs, at: 0, add })
  }

  /** Pushes a container that is created from its single part when that is complete. */
  #pushUnfinished(index: number, ref: unknown, finish: (part: unknown) => unknown): void {
    this.#state[index] = UNFINISHED
    let part: unknown
    const add = (value: unknown) => {
      part = value
    }
    this.#enter({ index, refs: [ref], at: 0, add, finish: () => finish(part) })
  }

  #enter(frame: Frame): void {
    if (this.#frames.push(frame) <= MAX_DEPTH) return
    throw new DecodingError(`The stored value is nested more than ${MAX_DEPTH} levels deep`)
  }

  #object(index: number, object: object, members: Record<string, unknown>): void {
    const keys = Object.keys(members)
    this.#push(index, object, Object.values(members), (value, n) => define(object, keys[n] as string, value))
  }

  #sparse(index: number, entry: readonly unknown[]): void {
    const length = entry[1]
    if (!isLength(length) || entry.length % 2 !== 0) throw damaged(index, 'is a sparse array without its length')
    const array = emptyArray(length)
    const [at, refs] = unzip(entry.slice(2))
    this.#push(index, array, refs, (value, n) => {
      const position = at[n]
      if (!isLength(position) || position >= length) throw damaged(index, 'has a member outside its length')
      array[position] = value
    })
  }

  #typed(index: number, name: string, entry: readonly unknown[]): void {
    const type = this.#types.byName.get(name)
    const errorPrototype = errorPrototypeOf(name)
    if (type !== undefined) this.#registered(index, type, entry)
    else if (errorPrototype !== undefined) this.#fill(index, entry, () => emptyError(errorPrototype))
    else if (name === OWN_TYPES.object) this.#fill(index, entry, () => ({}))
    else if (name === OWN_TYPES.nullObject) this.#fill(index, entry, () => Object.create(null))
    else if (name === OWN_TYPES.array) this.#fill(index, entry, list => emptyArray(this.#lengthIn(list, index)))
    else if (BUILTIN_NAMES.has(name)) this.#builtin(index, name, entry)
    else throw notRegistered(name, index)
  }

  #builtin(index: number, name: string, entry: readonly unknown[]): void {
    if (name === 'Set') this.#set(index, entry)
    else if (name === 'Map') this.#map(index, entry)
    else if (name === 'null') this.#nullObject(index, entry)
    else if (isLeaf(name)) this.#use(index, made(index, name, entry.slice(1)))
    // A boxed primitive, or a view on a buffer.
    else this.#pushUnfinished(index, entry[1], part => made(index, name, [part, ...entry.slice(2, 4)]))
  }

  #set(index: number, entry: readonly unknown[]): void {
    const set = new Set()
    this.#push(index, set, entry.slice(1), member => set.add(member))
  }

  #map(index: number, entry: readonly unknown[]): void {
    if (entry.length % 2 === 0) throw damaged(index, 'is a Map that has a key without a value')
    const map = new Map()
    let key: unknown
    this.#push(index, map, entry.slice(1), (part, n) => {
      if (n % 2 === 0) key = part
      else map.set(key, part)
    })
  }

  #nullObject(index: number, entry: readonly unknown[]): void {
    const object = Object.create(null) as object
    const [keys, refs] = unzip(entry.slice(1))
    if (keys.length !== refs.length) throw damaged(index, 'has a member without a value')
    this.#push(index, object, refs, (value, n) => define(object, nameOf(keys[n], index), value))
  }

  #registered(index: number, type: RegisteredType, entry: readonly unknown[]): void {
    if (type.codec === undefined) this.#fill(index, entry, () => emptyInstance(type))
    else {
      const payload = this.#payload(entry, index)
      if (!Array.isArray(payload)) throw damaged(index, 'is a type without its data')
      this.#pushUnfinished(index, payload[0], data => callDecode(type, data))
    }
  }

  /** Creates an empty object and fills it with the members of another entry: an object, or a list of names and values. */
  #fill(index: number, entry: readonly unknown[], make: (payload: object) => object): void {
    const payload = this.#payload(entry, index)
    const object = make(payload)
    if (Array.isArray(payload)) this.#list(index, object, payload)
    else this.#object(index, object, payload as Record<string, unknown>)
  }

  #list(index: number, object: object, payload: readonly unknown[]): void {
    // An array's length precedes the names.
    const refs = Array.isArray(object) ? payload.slice(1) : payload
    if (refs.length % 2 !== 0) throw damaged(index, 'has a member without a value')
    let key = ''
    this.#push(index, object, refs, (part, n) => {
      if (n % 2 === 0) key = nameOf(part, index)
      else define(object, key, part)
    })
  }

  #payload(entry: readonly unknown[], index: number): object {
    const payload = this.#entries[entry[1] as number]
    if (typeof payload !== 'object' || payload === null || typeof entry[1] !== 'number') {
      throw damaged(index, 'is a type without its members')
    }
    if (this.#payloads.has(payload)) throw damaged(index, 'has the members of another entry')
    this.#payloads.add(payload)
    return payload
  }

  #lengthIn(payload: object, index: number): number {
    const length = Array.isArray(payload) ? this.#entries[payload[0]] : undefined
    if (isLength(length)) return length
    throw damaged(index, 'is an array without its length')
  }
}

function withoutEntry(ref: number, index: number): unknown {
  if (WITHOUT_ENTRY.has(ref)) return WITHOUT_ENTRY.get(ref)
  throw damaged(index, 'refers to something unknown')
}

function made(index: number, name: string, parts: readonly unknown[]): unknown {
  const value = leaf(name, parts)
  if (value === undefined) throw damaged(index, `is not a valid ${name}`)
  return value
}

function nameOf(key: unknown, index: number): string {
  if (typeof key === 'string') return key
  throw damaged(index, 'has a member whose name is not text')
}

function damaged(index: number, what: string): DecodingError {
  return new DecodingError(`The stored text is damaged: entry ${index} ${what}`)
}

function unzip(list: readonly unknown[]): [unknown[], unknown[]] {
  return [list.filter((_, n) => n % 2 === 0), list.filter((_, n) => n % 2 === 1)]
}

const MAX_LENGTH = 2 ** 32 - 1

function isLength(value: unknown): value is number {
  return Number.isInteger(value) && (value as number) >= 0 && (value as number) <= MAX_LENGTH
}

const HIDDEN_IN_ERRORS: ReadonlySet<string> = new Set(['message', 'stack', 'cause', 'errors'])

/** Ignores setters, and treats `__proto__` as an ordinary key. */
function define(object: object, key: string, value: unknown): void {
  const hidden = HIDDEN_IN_ERRORS.has(key) && object instanceof Error
  // A key that does not exist, own or inherited, can be assigned, which is much faster.
  if (!(hidden || key in object)) (object as Record<string, unknown>)[key] = value
  else Object.defineProperty(object, key, { value, enumerable: !hidden, writable: true, configurable: true })
}

/** A plausible class name. Messages do not repeat anything else. */
const CLASS_NAME = /^[\p{L}_$][\p{L}\p{N}_$.:/-]{0,63}$/u

function notRegistered(name: string, index: number): DecodingError {
  if (!CLASS_NAME.test(name))
    return new DecodingError(`The stored text is damaged: entry ${index} is of a type that no class has`)
  return new DecodingError(
    `The stored value holds the type "${name}", which is not registered: use new RichEncoding({ types: { ${name} } })`,
  )
}
