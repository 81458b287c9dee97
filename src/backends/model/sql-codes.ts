/** Members under which libraries keep the error that they wrap. */
const WRAPPED = ['cause', 'original', 'parent', 'driverError', 'meta', 'driverAdapterError', 'errors'] as const

/** Members under which databases, drivers and libraries keep what tells one error from another. */
const CODES = ['code', 'errno', 'sqlState', 'sqlstate', 'originalCode', 'rawCode', 'kind', 'name'] as const

/** How deep libraries are known to wrap, and twice that. */
const DEPTH = 8

/** Every code that an error of a database bears, however its library has wrapped it. */
export function sqlCodes(error: unknown): string[] {
  const codes = new Set<string>()
  collect(error, codes, new Set(), DEPTH)
  return [...codes]
}

function collect(error: unknown, codes: Set<string>, seen: Set<object>, depth: number): void {
  if (typeof error !== 'object' || error === null || seen.has(error) || depth === 0) return
  seen.add(error)
  const members = error as Readonly<Record<string, unknown>>
  for (const name of CODES) {
    const code = members[name]
    if (typeof code === 'string' || typeof code === 'number') codes.add(String(code))
  }
  if (Array.isArray(error)) for (const one of error) collect(one, codes, seen, depth - 1)
  for (const name of WRAPPED) collect(members[name], codes, seen, depth - 1)
}
