import { EncodingError } from '../errors/errors.js'

/**
 * How many levels containers may be nested. This fixed limit, far below what a stack allows, guarantees that what was written
 * can be read back, however much of its stack the caller has used.
 */
export const MAX_DEPTH = 500

/** How many decimal digits a BigInt may have as text: the time to read and write them grows faster than their number. */
export const MAX_DIGITS = 100_000

let tooLong: bigint | undefined

/** Whether a BigInt has more than {@link MAX_DIGITS} digits, without writing them. */
export function isTooLong(value: bigint): boolean {
  tooLong ??= 10n ** BigInt(MAX_DIGITS)
  return value >= tooLong || value <= -tooLong
}

export const TOO_DEEP = `is nested more than ${MAX_DEPTH} levels deep. Store a flatter value`

/** One container on the path from the value to the current member. */
export interface Frame {
  readonly parent: Frame | undefined
  readonly container: object
  /** The levels of the encoder's recursion down to here; at least one for each container. */
  depth: number
  /** The levels inside it that were inspected so far, for callers that track them. */
  height: number
  /** The current member: a name, an index, or the key of a Map. */
  at: unknown
  /** How to access the member if it is not a property: a getter such as `.get` takes `at`; `.values()` is indexed by it. */
  via: '' | '.get' | '.keys()' | '.values()' | '.encode()'
}

/** Steps into `container`, the current member of `parent`. @throws EncodingError if it is too deep */
export function enter(parent: Frame | undefined, container: object): Frame {
  const depth = parent === undefined ? 1 : parent.depth + 1
  if (depth > MAX_DEPTH) refuse(parent, TOO_DEEP)
  return { parent, container, depth, height: 1, at: undefined, via: '' }
}

/** Refuses the current member of `frame`, or the value itself if there is no frame. */
export function refuse(frame: Frame | undefined, why: string, cause?: unknown): never {
  const details = cause === undefined ? {} : { cause }
  throw new EncodingError(`${frame === undefined ? 'The value' : `The member at ${pathOf(frame)}`} ${why}`, details)
}

/** Returns the path to the current member of `frame`, as one writes it after the value: `.a[3].get("k")`. */
function pathOf(frame: Frame): string {
  const steps: string[] = []
  for (let step: Frame | undefined = frame; step !== undefined; step = step.parent) steps.push(segment(step))
  const path = steps.reverse().join('')
  // With hundreds of levels, the end of the path is the useful part.
  return path.length > 400 ? `…${path.slice(-400)}` : path
}

const IDENTIFIER = /^[\p{L}_$][\p{L}\p{N}_$]*$/u

function segment({ via, at }: Frame): string {
  if (via === '.encode()') return via
  if (via === '.get') return `.get(${keyText(at)})`
  if (typeof at === 'string') return IDENTIFIER.test(at) ? `${via}.${at}` : `${via}[${JSON.stringify(at)}]`
  return `${via}[${String(at)}]`
}

function keyText(key: unknown): string {
  if (typeof key === 'string') return JSON.stringify(key)
  return typeof key === 'object' && key !== null ? '…' : String(key)
}

/** Refuses a container with symbol keys, which text cannot represent. */
export function refuseSymbolKeys(container: object, frame: Frame): void {
  const kept = symbolKeyOf(container)
  if (kept !== undefined) refuse(frame.parent, `has the symbol key ${String(kept)}, which cannot be kept. Remove it`)
}

/** Returns a symbol key that is part of the value, if there is one. */
export function symbolKeyOf(container: object): symbol | undefined {
  const symbols = Object.getOwnPropertySymbols(container)
  if (symbols.length === 0) return undefined
  // Non-enumerable keys are not part of the value, except for the tag, which disguises what the object is.
  return symbols.find(symbol => symbol === Symbol.toStringTag || isEnumerable(container, symbol))
}

function isEnumerable(container: object, key: PropertyKey): boolean {
  return Object.prototype.propertyIsEnumerable.call(container, key)
}

/** Whether `prototype` belongs to the built-in class `name` of another realm (a `node:vm` context, a test runner's). */
export function isForeignPrototype(prototype: object, name: string): boolean {
  const owner = Object.getOwnPropertyDescriptor(prototype, 'constructor')?.value
  return isNativeFunction(owner) && owner.prototype === prototype && owner.name === name
}

/** Whether the function is part of the engine rather than written in JavaScript. */
export function isNativeFunction(fn: unknown): boolean {
  return typeof fn === 'function' && Function.prototype.toString.call(fn).endsWith('{ [native code] }')
}

/** Returns the name of an object's class, for messages. */
export function classNameOf(container: object): string {
  const prototype: object | null = Object.getPrototypeOf(container)
  const owner = prototype === null ? undefined : (prototype as { constructor?: unknown }).constructor
  return typeof owner === 'function' && owner.name !== '' ? owner.name : 'an unnamed class'
}
