/** Where libraries keep the error of the driver or the database. */
const INSIDE = ['cause', 'original', 'parent', 'driverError', 'driverAdapterError', 'meta', 'error', 'errors'] as const

/** Members that tell one error from another; `kind` is what Prisma's driver adapters call it. */
const CODES = ['code', 'errno', 'sqlState', 'sqlstate', 'originalCode', 'rawCode', 'kind'] as const

const DEPTH = 8

/** The error and those inside it, the outermost first, each once. */
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

/** All codes in an error and those inside it, the outermost first: SQLSTATEs, numbers and names of the driver's. */
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
