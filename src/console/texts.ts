import { repeatedMember } from '../encodings/repeated-member.js'
import { RichEncoding } from '../encodings/rich-encoding.js'

/** What the page edits: JSON, and for values that JSON cannot hold the text of `RichEncoding`. */
export interface Texts {
  /** `undefined` if the value has no text, such as an instance of a class. */
  of(value: unknown): string | undefined
  /** @throws an error that says what is wrong, without quoting the text. */
  parse(text: string): unknown
}

/** @param encoding - of the dictionary: it may know classes of the application. */
export function textsOf(encoding: unknown): Texts {
  const rich = encoding instanceof RichEncoding ? encoding : new RichEncoding()
  return {
    of: value => {
      try {
        return rich.encode(value)
      } catch {
        return undefined
      }
    },
    parse: text => {
      const value = rich.decode(text)
      if (!text.startsWith(rich.tag)) assertNothingTwice(text)
      return value
    },
  }
}

/** JSON.parse would silently take the last. */
function assertNothingTwice(json: string): void {
  const name = repeatedMember(json)?.at(-1)
  if (name !== undefined) throw new Error(`one object has ${JSON.stringify(name)} twice; remove one of them`)
}

/** How many characters of a value a list shows. */
const MAX_PREVIEW = 120

/** Returns the beginning of a value on one line, without visiting all of a large one. */
export function previewOf(value: unknown): string {
  const parts: string[] = []
  write(value, { left: MAX_PREVIEW, parts }, 0)
  const text = parts.join('')
  return text.length > MAX_PREVIEW ? `${text.slice(0, MAX_PREVIEW).toWellFormed()}…` : text
}

interface Output {
  left: number
  readonly parts: string[]
}

const MAX_DEPTH = 4

function put(output: Output, text: string): void {
  output.parts.push(text)
  output.left -= text.length
}

function write(value: unknown, output: Output, depth: number): void {
  if (output.left < 0) return
  const atom = atomOf(value)
  if (atom !== undefined) put(output, atom)
  else if (depth >= MAX_DEPTH) put(output, '…')
  else if (Array.isArray(value)) writeList(value, output, depth)
  else if (value instanceof Map || value instanceof Set) writeList(value, output, depth, `${value.constructor.name} `)
  else writeMembers(value as object, output, depth)
}

function atomOf(value: unknown): string | undefined {
  if (typeof value === 'string') return JSON.stringify(value.slice(0, MAX_PREVIEW + 1))
  if (typeof value === 'bigint') return `${value}n`
  if (typeof value !== 'object' || value === null) return Object.is(value, -0) ? '-0' : String(value)
  if (!(value instanceof Date)) return undefined
  return Number.isNaN(value.getTime()) ? 'Invalid Date' : value.toISOString()
}

function writeList(list: Iterable<unknown>, output: Output, depth: number, prefix = ''): void {
  put(output, `${prefix}[`)
  let separator = ''
  for (const one of list) {
    put(output, separator)
    write(one, output, depth + 1)
    if (output.left < 0) return
    separator = ', '
  }
  put(output, ']')
}

function writeMembers(value: object, output: Output, depth: number): void {
  put(output, '{')
  let separator = ''
  for (const [name, member] of Object.entries(value)) {
    put(output, `${separator}${name.slice(0, MAX_PREVIEW)}: `)
    write(member, output, depth + 1)
    if (output.left < 0) return
    separator = ', '
  }
  put(output, '}')
}
