/** Where libraries keep the error of the driver or the database. */
const INSIDE = ['cause', 'original', 'parent', 'driverError', 'driverAdapterError', 'meta', 'error', 'errors'] as const

/** Members that tell one error from another; `kind` is what Prisma's driver adapters call it. */
const CODES = ['code', 'errno', 'sqlState', 'sqlstate', 'originalCode', 'rawCode', 'kind'] as const

const DEPTH = 8

/** All codes in an error and those inside of it, the outermost first: SQLSTATEs, numbers and names of the driver's. */
export function sqlCodes(error: unknown): string[] {
  const codes = new Set<string>()
  collect(error, codes, new Set(), DEPTH)
  return [...codes]
}

function collect(value: unknown, codes: Set<string>, seen: Set<unknown>, depth: number): void {
  if (typeof value !== 'object' || value === null || seen.has(value) || depth === 0) return
  seen.add(value)
  const members = value as Record<string, unknown>
  for (const name of CODES) {
    const code = members[name]
    if (typeof code === 'string' || typeof code === 'number') codes.add(String(code))
  }
  for (const name of INSIDE) {
    const inner = members[name]
    for (const each of Array.isArray(inner) ? inner : [inner]) collect(each, codes, seen, depth - 1)
  }
}
