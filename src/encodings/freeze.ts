/**
 * Freezes the plain objects and arrays in `value`, in place and at any depth. Cycles and deep nesting are safe. A plain object has
 * `Object.prototype` or no prototype; an array has `Array.prototype`.
 *
 * @returns whether `value` consists only of primitives, plain objects and arrays, so that all callers can share
 * it. `false` if it contains anything else (a Date, Map, typed array, class instance, function…): freezing cannot
 * protect such objects, and neither they nor their content are changed. The plain parts around them are frozen in both
 * cases. Accessors are read like other members; non-enumerable string keys are ignored.
 */
export function deepFreeze(value: unknown): boolean {
  if (isPrimitive(value)) return true
  const pending: object[] = [value as object]
  let plainOnly = true
  // Objects that were already frozen may contain unfrozen parts, so they are inspected too, once each.
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

/** Visits own keys, never up to `length`: an array with one member can have a length of four thousand million. */
function pushMembers(item: object, pending: object[]): void {
  // Reflect.ownKeys takes four times as long, only to find non-enumerable properties, which no encoding creates.
  for (const key of Object.keys(item)) pushMember((item as Record<string, unknown>)[key], pending)
  for (const key of Object.getOwnPropertySymbols(item)) pushMember((item as Record<symbol, unknown>)[key], pending)
}

function pushMember(member: unknown, pending: object[]): void {
  if (!isPrimitive(member)) pending.push(member as object)
}
