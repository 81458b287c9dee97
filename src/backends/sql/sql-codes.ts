/** The members in which libraries store the error of the driver or the database. */
const INSIDE = ['cause', 'original', 'parent', 'driverError', 'driverAdapterError', 'meta', 'error', 'errors'] as const

/** The members that identify an error. Prisma's driver adapters use `kind`. */
const CODES = ['code', 'errno', 'sqlState', 'sqlstate', 'originalCode', 'rawCode', 'kind'] as const

const DEPTH = 8

/** Yields the error and the errors inside it, outermost first, each once. */
export function* errorsInside(
  error: unknown,
  seen = new Set<unknown>(),
  depth = DEPTH,
): Generator<Readonly<Record<string, unknown>>> {
  if (typeof error !== 'object' || error === null || seen.has(error) || depth === 0) return
  seen.add(error)
  const members = error as Record<string, unknown>
  yield members
  for (const name of INSIDE) {
    const inner = members[name]
    for (const each of Array.isArray(inner) ? inner : [inner]) yield* errorsInside(each, seen, depth - 1)
  }
}

/** Returns all codes of an error and the errors inside it, outermost first: SQLSTATEs, numbers and driver names. */
export function sqlCodes(error: unknown): string[] {
  const codes = new Set<string>()
  for (const members of errorsInside(error)) {
    for (const name of CODES) {
      const code = members[name]
      if (typeof code === 'string' || typeof code === 'number') codes.add(String(code))
    }
  }
  return [...codes]
}
