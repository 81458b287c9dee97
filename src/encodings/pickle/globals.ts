import { Global, Node, OldString, Span, Zone } from './nodes.js'

/** Limits work beyond one step for each byte of a pickle: throws if the total exceeds what its bytes allow. */
export type Spend = (steps: number) => void

/** Builds what a call of a global returns for these arguments; `undefined` if the arguments are unknown. */
type Maker = (args: readonly unknown[], spend: Spend) => unknown

/** The supported globals. Python 2 uses other names for some of them. */
const MAKERS: ReadonlyMap<string, Maker> = new Map<string, Maker>([
  ...both('set', args => setOf('set', args)),
  ...both('frozenset', args => setOf('frozenset', args)),
  ...both('bytearray', bytes),
  ...both('bytes', bytes),
  ['_codecs.encode', latin1],
  ['datetime.datetime', ([state, zone]) => dateTime(bytesOf(state), zone)],
  ['datetime.date', ([state]) => date(bytesOf(state))],
  ['datetime.timedelta', span],
  ['datetime.timezone', ([offset]) => (offset instanceof Span ? new Zone(offset.ms) : undefined)],
  ['decimal.Decimal', decimal],
])

function both(name: string, maker: Maker): [string, Maker][] {
  return ['builtins', '__builtin__'].map(module => [`${module}.${name}`, maker])
}

/** Returns the global of that name if it is supported. */
export function globalNamed(module: unknown, name: unknown): Global | undefined {
  const full = typeof module === 'string' && typeof name === 'string' ? `${module}.${name}` : ''
  return MAKERS.has(full) ? new Global(full) : undefined
}

/** Returns the result of calling the global; `undefined` if it is unknown. */
export function call(callee: unknown, args: unknown, spend: Spend): unknown {
  if (!(callee instanceof Global && args instanceof Node && args.kind === 'tuple')) return undefined
  return MAKERS.get(callee.name)?.(args.items, spend)
}

const DECIMAL = /^[+-]?(\d+(\.\d*)?|\.\d+)(E[+-]?\d+)?$|^[+-]?(Infinity|s?NaN\d*)$/i

function decimal([text]: readonly unknown[], spend: Spend): string | undefined {
  if (typeof text !== 'string') return undefined
  spend(text.length)
  return DECIMAL.test(text) ? text : undefined
}

/** Takes a list that nothing else uses: sharing one among many sets could cost work out of proportion to the bytes. */
function setOf(kind: 'set' | 'frozenset', [list]: readonly unknown[]): Node | undefined {
  if (list === undefined) return new Node(kind)
  if (!(list instanceof Node) || list.kind !== 'list' || list.used) return undefined
  list.used = true
  return new Node(kind, list.items)
}

/** `bytes()`, `bytearray()`, `bytearray(bytes)` and `bytearray(text, 'latin-1')`. */
function bytes(args: readonly unknown[], spend: Spend): Uint8Array | undefined {
  if (args.length === 0) return new Uint8Array()
  if (args.length === 1) return args[0] instanceof Uint8Array ? copied(args[0], spend) : undefined
  return latin1(args, spend)
}

function copied(source: Uint8Array, spend: Spend): Uint8Array {
  spend(source.length)
  return Uint8Array.from(source)
}

/** Protocols without bytes write them as text of the same characters. */
function latin1([text, encoding]: readonly unknown[], spend: Spend): Uint8Array | undefined {
  if (typeof text !== 'string' || (encoding !== 'latin1' && encoding !== 'latin-1')) return undefined
  spend(text.length)
  return /^[\0-\xff]*$/.test(text) ? Uint8Array.from(Buffer.from(text, 'latin1')) : undefined
}

function bytesOf(state: unknown): Uint8Array | undefined {
  if (state instanceof OldString) return state.bytes
  return state instanceof Uint8Array ? state : undefined
}

/** Year (2 bytes), month, day. */
function date(state: Uint8Array | undefined): Date | undefined {
  if (state?.length !== 4) return undefined
  const [high = 0, low = 0, month = 0, day = 0] = state
  return utc([high * 256 + low, month, day], [0, 0, 0, 0])
}

/** A date, then hour, minute, second, and microseconds (3 bytes). Without a time zone it counts as UTC. */
function dateTime(state: Uint8Array | undefined, zone: unknown): Date | undefined {
  if (state?.length !== 10 || !(zone === undefined || zone === null || zone instanceof Zone)) return undefined
  const [high = 0, low = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0, ...micro] = state
  const [first = 0, middle = 0, last = 0] = micro
  // The highest bit of the month selects one of two times when clocks are set back.
  const parts = [high * 256 + low, month & 0x7f, day] as const
  const ms = Math.floor((first * 65536 + middle * 256 + last) / 1000)
  const local = utc(parts, [hour, minute, second, ms])
  return local && new Date(local.getTime() - (zone instanceof Zone ? zone.offset : 0))
}

type Day = readonly [year: number, month: number, day: number]
type Time = readonly [hour: number, minute: number, second: number, ms: number]

/** Returns `undefined` if there is no such day or time. */
function utc([year, month, day]: Day, [hour, minute, second, ms]: Time): Date | undefined {
  const made = new Date(0)
  made.setUTCFullYear(year, month - 1, day)
  made.setUTCHours(hour, minute, second, ms)
  const same = made.getUTCMonth() === month - 1 && made.getUTCDate() === day && made.getUTCSeconds() === second
  return same && year > 0 && hour < 24 && minute < 60 && ms < 1000 ? made : undefined
}

const DAY = 86_400_000

function span([days = 0, seconds = 0, micros = 0]: readonly unknown[]): Span | undefined {
  const parts = [days, seconds, micros]
  if (!parts.every(part => Number.isSafeInteger(part) && Math.abs(part as number) < 1e9)) return undefined
  return new Span((days as number) * DAY + (seconds as number) * 1000 + (micros as number) / 1000)
}
