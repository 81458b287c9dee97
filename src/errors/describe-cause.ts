/** The members in which libraries keep the error of the driver, the database or the network. */
const INNER = ['cause', 'original', 'parent', 'driverError', 'driverAdapterError', 'error', 'errors'] as const

const DEPTH = 8

/** How many root causes a message names. A failed connection often has one for each address. */
const ROOTS = 2

/** The longest description, in characters. */
const LONGEST = 500

/** Node.js's codes for network errors, which operators search for. */
const NETWORK_CODE = /^E(?!R_)[A-Z_]{3,}$/

/**
 * Describes an error: its message, plus its root cause if the message does not mention it already. Database libraries put whole
 * statements and their parameters, and so stored values, into their messages. The description leaves these out.
 */
export function describeCause(error: unknown): string {
  const [outer = nameOf(error)] = chainOf(error).map(textOf).filter(Boolean)
  const roots = [...new Set(rootsOf(error).map(rootText).filter(Boolean))]
  // A message that its cause's message contains adds nothing.
  if (roots.some(text => text.includes(outer))) return shortened(roots.slice(0, ROOTS).join(', '))
  const missing = roots.filter(text => !outer.includes(text)).slice(0, ROOTS)
  if (missing.length === 0) return shortened(outer)
  return shortened(`${outer.replace(/\.$/, '')}: ${missing.join(', ')}`)
}

/** The errors at the end of the chains of causes. */
function rootsOf(error: unknown): unknown[] {
  const roots = new Set<unknown>()
  collectRoots(error, roots, new Set(), DEPTH)
  return [...roots]
}

function collectRoots(error: unknown, roots: Set<unknown>, seen: Set<unknown>, depth: number): void {
  if (seen.has(error)) return
  seen.add(error)
  const inner = depth === 0 ? [] : innerOf(error).filter(one => !seen.has(one))
  if (inner.length === 0) roots.add(error)
  for (const one of inner) collectRoots(one, roots, seen, depth - 1)
}

/** The error and its causes, the first one at each level. */
function chainOf(error: unknown): unknown[] {
  const chain: unknown[] = []
  for (let one = error; one !== undefined && !chain.includes(one) && chain.length < DEPTH; [one] = innerOf(one)) {
    chain.push(one)
  }
  return chain
}

function innerOf(error: unknown): unknown[] {
  if (typeof error !== 'object' || error === null) return []
  const members = error as Readonly<Record<string, unknown>>
  const { meta } = members
  const places = typeof meta === 'object' && meta !== null ? [members, meta as typeof members] : [members]
  return places.flatMap(place => INNER.flatMap(name => place[name] ?? [])).filter(isError)
}

/** Whether it is an error, or what Prisma's driver adapters and structured clones use instead. */
function isError(value: unknown): boolean {
  if (value instanceof Error) return true
  if (typeof value !== 'object' || value === null) return false
  return 'message' in value || 'originalMessage' in value
}

/** The message without statements, parameters and values. */
function textOf(error: unknown): string {
  const text = messageOf(error).trim()
  // Drizzle's message contains only the statement and its parameters.
  if (text.startsWith('Failed query:')) return ''
  return withoutValues(error, withoutStatement(error, text))
}

function messageOf(error: unknown): string {
  if (typeof error !== 'object' || error === null) return String(error)
  const { message, originalMessage, name } = error as Readonly<Record<string, unknown>>
  const text = typeof originalMessage === 'string' ? originalMessage : message
  if (typeof text !== 'string') return ''
  // Prisma's message begins with the lines of code that made the call.
  return String(name).startsWith('PrismaClient') ? (text.trim().split('\n').at(-1) as string) : text
}

/** The beginning of a statement. */
const STATEMENT =
  /^(?:select|insert\s+(?:ignore\s+)?into|update\s+\S+\s+set|delete\s+from|replace\s+into|(?:with|begin|commit|rollback|savepoint|release|set|do|lock)\b.{0,80}?;?)\s/is

/**
 * Knex puts the statement before the message and fills in its parameters. On PostgreSQL it keeps the placeholders, but the server's
 * message may quote a value. MySQL's drivers also keep the message separately.
 */
function withoutStatement(error: unknown, text: string): string {
  const { sqlMessage, severity } = Object(error) as { sqlMessage?: unknown; severity?: unknown }
  if (typeof sqlMessage === 'string' && sqlMessage !== '') return sqlMessage
  const end = severity === undefined ? text.lastIndexOf(' - ') : text.indexOf(' - ')
  return end > 0 && STATEMENT.test(text) ? text.slice(end + 3) : text
}

/** Members that identify the errors of database drivers. */
const OF_DATABASES = ['severity', 'sqlState', 'sqlMessage', 'originalCode'] as const

/** Where PostgreSQL and MySQL quote stored values in their messages. */
const QUOTING: readonly (readonly [RegExp, string])[] = [
  [/near '.*' at line/gs, "near '…' at line"],
  [/entry '.*' for key/gs, "entry '…' for key"],
  [/(: | value )(['"]).*\2/gs, '$1…'],
]

function withoutValues(error: unknown, text: string): string {
  const isOfDatabase = chainOf(error).some(one => OF_DATABASES.some(member => Object.hasOwn(Object(one), member)))
  return isOfDatabase ? QUOTING.reduce((left, [pattern, by]) => left.replace(pattern, by), text) : text
}

function rootText(error: unknown): string {
  const text = textOf(error)
  const { code } = Object(error) as { code?: unknown }
  if (typeof code !== 'string' || !NETWORK_CODE.test(code) || text.includes(code)) return text
  return text === '' ? code : `${text} (${code})`
}

function nameOf(error: unknown): string {
  const { name } = Object(error) as { name?: unknown }
  return typeof name === 'string' ? name : `a thrown ${typeof error}`
}

function shortened(text: string): string {
  return text.length <= LONGEST ? text : `${text.slice(0, LONGEST)}…`
}
