import { DecodingError } from '../errors/errors.js'
import { builtin } from '../process/builtin.js'
import { MAX_DEPTH, MAX_DIGITS } from './walk.js'

/**
 * Reads JSON text (RFC 8259) of any writer. A whole number that no JavaScript number can represent becomes a BigInt; fractions
 * are rounded to the nearest number.
 *
 * @param hint - what to do about text that is not JSON: the last sentence of the message.
 * @throws DecodingError if the text is not JSON, is nested more than 500 levels deep, or contains a number out of range. The
 * message says what is wrong and where, and never quotes the text.
 */
export function parseJson(text: string, hint: string): unknown {
  if (isTooDeep(text, MAX_DEPTH)) {
    throw new DecodingError(`The stored JSON is nested more than ${MAX_DEPTH} levels deep`)
  }
  const value = parsed(text, hint)
  return SUSPICIOUS.test(text) ? withExactNumbers(text, value) : value
}

function parsed(text: string, hint: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    // The engine's message quotes the text: it must become neither part of our message nor its cause.
    throw new DecodingError(`The stored text is not JSON${placeOf(error)}. ${hint}`)
  }
}

function placeOf(error: unknown): string {
  const message = error instanceof Error ? error.message : ''
  const position = / in JSON at position (\d+)(?: \(line \d+ column \d+\))?$/.exec(message)?.[1]
  if (position !== undefined) return ` (it breaks at character ${position})`
  return message === 'Unexpected end of JSON input' ? ' (it ends too early)' : ''
}

const QUOTE = 34
const BACKSLASH = 92

/**
 * Whether the text is nested deeper than `limit`. JSON.parse accepts any depth, and the value would then overflow the stack of code
 * that walks through it.
 */
export function isTooDeep(text: string, limit: number): boolean {
  if (text.length <= limit) return false
  let depth = 0
  for (let index = 0; index < text.length; index++) {
    const char = text.charCodeAt(index)
    if (char === QUOTE) index = endOfString(text, index)
    else if (char === 91 /* [ */ || char === 123 /* { */) {
      if (++depth > limit) return true
    } else if (char === 93 /* ] */ || char === 125 /* } */) depth--
  }
  return false
}

/** Returns where the string that opens at `start` closes: at the first quote after an even number of backslashes. */
function endOfString(text: string, start: number): number {
  let end = text.indexOf('"', start + 1)
  while (end !== -1) {
    let slashes = 0
    while (text.charCodeAt(end - 1 - slashes) === BACKSLASH) slashes++
    if (slashes % 2 === 0) return end
    end = text.indexOf('"', end + 1)
  }
  return text.length
}

/** Text with so many digits outside a fraction, or so large an exponent, that a JavaScript number may not represent it. */
const SUSPICIOUS = /(?<![.\d])\d{16}|[eE][+-]?\d{3}/

const NUMBER = /-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/y

/** Marks what becomes a BigInt when the text is parsed again. Random, so that no stored string begins with it. */
let mark: string | undefined

function markOfBigInts(): string {
  mark ??= `${builtin.crypto.randomUUID()}:`
  return mark
}

/** Returns the value of JSON text, with a BigInt for each whole number that would be rounded. */
function withExactNumbers(text: string, rounded: unknown): unknown {
  const parts: string[] = []
  let from = 0
  for (let index = 0; index < text.length; index++) {
    const char = text.charCodeAt(index)
    if (char === QUOTE) index = endOfString(text, index)
    if (char !== 45 /* - */ && (char < 48 || char > 57)) continue
    NUMBER.lastIndex = index
    const literal = NUMBER.exec(text)?.[0] ?? ''
    if (!isExact(literal, index)) {
      parts.push(text.slice(from, index), `"${markOfBigInts()}${literal}"`)
      from = index + literal.length
    }
    index += literal.length - 1
  }
  if (from === 0) return rounded
  return JSON.parse(parts.join('') + text.slice(from), toBigInt)
}

function toBigInt(_key: string, value: unknown): unknown {
  const prefix = markOfBigInts()
  return typeof value === 'string' && value.startsWith(prefix) ? BigInt(value.slice(prefix.length)) : value
}

/** Whether a number represents the literal well enough: fractions may be rounded, whole numbers may not. */
function isExact(literal: string, index: number): boolean {
  const value = Number(literal)
  if (Number.isSafeInteger(value) && value !== 0) return true
  if (!/^-?\d+$/.test(literal)) {
    if (Number.isFinite(value) && (value !== 0 || !/[1-9]/.test(literal.split(/[eE]/)[0] as string))) return true
    throw new DecodingError(
      `The stored JSON has a number out of range at character ${index}: it is beyond 1.8e308, or nearly 0`,
    )
  }
  if (literal.length > MAX_DIGITS) {
    throw new DecodingError(`The stored JSON has a number of more than ${MAX_DIGITS} digits at character ${index}`)
  }
  return Number.isFinite(value) && (wholeText(value) === literal || BigInt(value) === BigInt(literal))
}

/** Returns a whole number without an exponent, as JavaScript and databases write it in JSON text. */
function wholeText(value: number): string {
  const [digits = '', exponent] = String(value).split('e+')
  if (exponent === undefined) return digits
  const [whole = '', fraction = ''] = digits.split('.')
  return whole + fraction.padEnd(Number(exponent), '0')
}
