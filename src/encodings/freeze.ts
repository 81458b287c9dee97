/**
 * Freezes the plain objects and arrays that `value` consists of, in place and at any depth; cycles and deep nesting do
 * no harm. A plain object has `Object.prototype` or no prototype at all; an array has `Array.prototype`.
 *
 * @returns whether `value` consists of nothing but primitives, plain objects and arrays, so that all callers can share
 * it. `false` where it holds anything else (a Date, Map, typed array, class instance, function…): freezing cannot
 * protect that, and neither it nor what lies inside of it is touched. The plain parts around it are frozen in both
 * cases. Accessors are read like any other member; string keys that are not enumerable are not looked at.
 */
export function deepFreeze(value: unknown): boolean {
  if (isPrimitive(value)) return true
  const pending: object[] = [value as object]
  let plainOnly = true
  // What was frozen before we came may still hold unfrozen parts, so it is looked through as well: once.
  let looked: Set<object> | undefined
  for (let item = pending.pop(); item !== undefined; item = pending.pop()) {
    if (!isPlain(item)) {
      plainOnly = false
      continue
    }
    if (Object.isFrozen(item)) {
      looked ??= new Set()
      if (looked.has(item)) continue
      looked.add(item)
    }
    pushMembers(item, pending)
    Object.freeze(item)
  }
  return plainOnly
}

function isPrimitive(value: unknown): boolean {
  return value === null || (typeof value !== 'object' && typeof value !== 'function')
}

function isPlain(item: object): boolean {
  const prototype = Object.getPrototypeOf(item)
  if (Array.isArray(item)) return prototype === Array.prototype
  return (prototype === Object.prototype || prototype === null) && typeof item === 'object'
}

/** By own keys, never up to `length`: an array with one member can claim a length of four thousand million. */
function pushMembers(item: object, pending: object[]): void {
  // Reflect.ownKeys takes four times as long, for properties that are not enumerable and that no encoding makes.
  for (const key of Object.keys(item)) pushMember((item as Record<string, unknown>)[key], pending)
  for (const key of Object.getOwnPropertySymbols(item)) pushMember((item as Record<symbol, unknown>)[key], pending)
}

function pushMember(member: unknown, pending: object[]): void {
  if (!isPrimitive(member)) pending.push(member as object)
}
