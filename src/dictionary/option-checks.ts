/** @throws TypeError if it is neither `undefined` nor an AbortSignal. */
export function checkSignal(signal: unknown): void {
  if (signal !== undefined && !(signal instanceof AbortSignal)) throw wrong('signal', 'an AbortSignal', signal)
}

/** @throws TypeError if it is not a number of milliseconds from 1. */
export function checkTimeout(timeout: unknown): number {
  return milliseconds('timeout', timeout)
}

/** @throws TypeError if it is not a whole number from 0. */
export function checkRetries(retries: unknown): number {
  if (Number.isSafeInteger(retries) && (retries as number) >= 0) return retries as number
  throw wrong('retries', 'a whole number from 0', retries)
}

/** @throws TypeError if a member is not among `names`. */
export function checkNames(options: object, names: readonly string[], call: string): void {
  if (typeof options !== 'object' || options === null) throw new TypeError(`The options of ${call} must be an object.`)
  for (const name of Object.keys(options)) {
    if (names.includes(name)) continue
    throw new TypeError(`${call} has no option "${name}"; it has ${names.join(', ')}.`)
  }
}

export function boolean(name: string, value: unknown): boolean {
  if (typeof value === 'boolean') return value
  throw wrong(name, 'a boolean', value)
}

/** The longest delay that timers accept. */
const MAX_MS = 2 ** 31 - 1

/** @throws TypeError if it is not a number of milliseconds from 1. */
export function milliseconds(name: string, value: unknown, max = MAX_MS): number {
  if (typeof value === 'number' && value >= 1 && value <= max) return value
  throw wrong(name, `a number of milliseconds from 1 to ${max}`, value)
}

export function optionalMilliseconds(name: string, value: unknown, max?: number): number | undefined {
  return value === undefined ? undefined : milliseconds(name, value, max)
}

/** Whether it is a plain object, with no state besides its own members. */
export function isPlain(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false
  const prototype: unknown = Object.getPrototypeOf(value)
  // Also true for plain objects of another realm.
  return prototype === null || Object.getPrototypeOf(prototype) === null
}

/** The error for an option of the wrong type. */
export function wrong(name: string, wanted: string, value: unknown): TypeError {
  return new TypeError(`Option "${name}" must be ${wanted}; got ${describeValue(value)}.`)
}

/** Describes a value in a message. */
export function describeValue(value: unknown): string {
  // A string may be a password in the wrong place.
  if (typeof value === 'string') return /^[\w-]{1,20}$/.test(value) ? JSON.stringify(value) : 'a string'
  if (typeof value === 'number' || value === null) return String(value)
  return Array.isArray(value) ? 'an array' : typeof value
}
