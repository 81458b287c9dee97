/** Counters stay below this limit, so that they can always be incremented. */
const COUNT_LIMIT = 2 ** 52

/** Returns the members of an object; none of anything else. */
export function membersOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}
}

export function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0 && (value as number) < COUNT_LIMIT
}

/** An epoch becomes part of a path. */
export function isEpoch(value: unknown): value is string {
  return typeof value === 'string' && /^[0-9a-f]{1,32}$/.test(value)
}
