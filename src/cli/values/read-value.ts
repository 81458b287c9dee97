import { isDeepStrictEqual } from 'node:util'
import type { StandardSchemaV1 } from '@standard-schema/spec'
import { isPromise } from '../../contract/is-promise.js'
import { repeatedMember } from '../../encodings/repeated-member.js'
import { type Failure, usage } from '../failure.js'
import type { ReadValue, ValueTexts } from './value-text.js'

/** How the text of a value is read, if the user says so. */
export type Reading = 'string' | 'json' | 'encoded' | undefined

/** What a value is read for. */
export interface Reader {
  readonly texts: ValueTexts
  readonly schema: StandardSchemaV1 | undefined
}

/**
 * Reads the text of a value. With a schema, it is read as the type that the schema accepts; without one, it must be JSON. It is never
 * guessed: what can be read in two ways is refused.
 *
 * @throws Failure that does not quote the text.
 */
export function readValue(text: string, how: Reading, reader: Reader): ReadValue {
  const read = asRead(text, how, reader)
  if (/^\s*[{[]/.test(text) && 'value' in read && typeof read.value === 'object') assertNothingTwice(text)
  return read
}

/** JSON.parse would silently take the last. */
function assertNothingTwice(json: string): void {
  const name = repeatedMember(json)?.at(-1)
  if (name !== undefined) throw usage(`The value has ${JSON.stringify(name)} twice in one object. Remove one of them.`)
}

function asRead(text: string, how: Reading, { texts, schema }: Reader): ReadValue {
  if (how === 'string') return { value: text }
  if (how === 'json') return { value: parsed(text, texts) }
  if (how === 'encoded') return encoded(text, texts)
  if (schema && !acceptsAnything(schema)) return { value: bySchema(text, schema, texts) }
  return { value: withoutSchema(text, texts) }
}

function parsed(text: string, texts: ValueTexts): unknown {
  if (text.startsWith('rich:')) throw usage('The value is not JSON. --encoded reads what "export" writes.')
  try {
    return texts.parse(text)
  } catch (cause) {
    throw usage(`The value is not JSON. ${JSON_HINT}`, cause)
  }
}

function encoded(text: string, texts: ValueTexts): ReadValue {
  try {
    const read = texts.fromMember(text)
    return 'value' in read && read.value === text ? { value: texts.parse(text) } : read
  } catch (cause) {
    throw usage('--encoded reads JSON, and the texts that "export" writes for other values.', cause)
  }
}

const JSON_HINT =
  'JSON is true, false, null, a number such as 20, "text" in double quotes, a [list] or an {"object": 1}.'

/** JSON whose text says exactly one thing. */
function withoutSchema(text: string, texts: ValueTexts): unknown {
  const json = jsonOf(text, texts)
  if (!json) throw notJson()
  if (!isCanonical(text, json.value)) throw notCanonical(json.value)
  return json.value
}

function jsonOf(text: string, texts: ValueTexts): { readonly value: unknown } | undefined {
  if (text.startsWith('rich:')) return undefined
  try {
    return { value: texts.parse(text) }
  } catch {
    return undefined
  }
}

/** `1e3`, `1.0`, `-0` and ` 20` may be meant as text: JSON would turn them into something else. */
function isCanonical(text: string, value: unknown): boolean {
  if (typeof value === 'object' && value !== null) return true
  return typeof value === 'string' ? text.trim() === text : String(value) === text && !Object.is(value, -0)
}

function notJson(): Failure {
  return usage(`The value is not JSON. Add --string to store the text as it is. ${JSON_HINT}`)
}

function notCanonical(value: unknown): Failure {
  return usage(
    `The value can be read in two ways. Add --string to store the text as it is, or --json to store the ${kindOf(value)} that JSON makes of it.`,
  )
}

/** The candidates that the schema accepts, in the order in which they are preferred if they mean the same. */
function bySchema(text: string, schema: StandardSchemaV1, texts: ValueTexts): unknown {
  const candidates = candidatesOf(text, texts)
  const accepted = candidates.flatMap(value => outputOf(schema, value) ?? [])
  const [first] = accepted
  // The dictionary refuses it, and says why.
  if (!first) return rejected(text, candidates)
  if (accepted.every(({ output }) => isDeepStrictEqual(output, first.output))) return first.value
  const literal = accepted.filter(({ value }) => typeof value === 'string')
  if (literal.length === accepted.length) return text
  const kinds = [...new Set(accepted.map(({ value }) => kindOf(value)))].join(' and as a ')
  throw usage(
    `The schema accepts the value as a ${kinds}. Add --string to store the text as it is, or --json to store what JSON makes of it.`,
  )
}

/** What the error is about: JSON if it is that, so that its members are named. */
function rejected(text: string, candidates: readonly unknown[]): unknown {
  return candidates.find(value => typeof value !== 'string') ?? text
}

function candidatesOf(text: string, texts: ValueTexts): unknown[] {
  const json = jsonOf(text, texts)
  const date = ISO_DATE.test(text) ? [new Date(text)].filter(date => !Number.isNaN(date.getTime())) : []
  const whole = /^-?(0|[1-9]\d{0,10000})$/.test(text) && text !== '-0' ? [BigInt(text)] : []
  return [...(json ? [json.value] : []), text, ...date, ...whole]
}

/** Dates and times of ISO 8601 with a zone: another text would depend on the machine. */
const ISO_DATE = /^\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d))?$/

function outputOf(schema: StandardSchemaV1, value: unknown): { value: unknown; output: unknown } | undefined {
  const result = validated(schema, value)
  return result === undefined || result.issues ? undefined : { value, output: result.value }
}

function validated(schema: StandardSchemaV1, value: unknown): StandardSchemaV1.Result<unknown> | undefined {
  try {
    const result = schema['~standard'].validate(value)
    if (!isPromise(result)) return result
    void Promise.resolve(result).catch(() => {})
    return undefined
  } catch {
    return undefined
  }
}

/** A schema that accepts even this says nothing about types. */
function acceptsAnything(schema: StandardSchemaV1): boolean {
  return outputOf(schema, Symbol('probe')) !== undefined
}

/** The type of a value in words. */
function kindOf(value: unknown): string {
  if (value === null || value === undefined) return `${value}`
  if (Array.isArray(value)) return 'list'
  if (typeof value !== 'object') return typeof value
  const name = Object.getPrototypeOf(value)?.constructor?.name ?? 'Object'
  return name === 'Object' ? 'object' : name
}
