import type { StandardSchemaV1 } from '@standard-schema/spec'
import { isPromise } from '../contract/is-promise.js'
import { InvalidKeyError, InvalidValueError } from '../errors/errors.js'
import { quoted } from '../errors/quoted.js'
import { describeIssues } from './schema-issues.js'

/** One Standard Schema (https://standardschema.dev) for all values, or a record of schemas by key. */
export type Schema = StandardSchemaV1 | Readonly<Record<string, StandardSchemaV1>>

/** The types of a schema's values on read. */
export type OutputOf<S extends Schema> = S extends { readonly '~standard': object }
  ? Record<string, Output<S>>
  : { [K in keyof S & string]: Output<S[K]> }

/** The types of a schema's values on write. */
export type InputOf<S extends Schema> = S extends { readonly '~standard': object }
  ? Record<string, Input<S>>
  : { [K in keyof S & string]: Input<S[K]> }

// Infers from this one member: comparing whole schemas of some libraries goes too deep for TypeScript up to 6.
type Types<S> = S extends { readonly '~standard': { readonly types?: infer Types } } ? NonNullable<Types> : never
type Output<S> = Types<S> extends { readonly output: infer Output } ? Output : never
type Input<S> = Types<S> extends { readonly input: infer Input } ? Input : never

type Issues = readonly StandardSchemaV1.Issue[]

const UNDEFINED: Issues = [{ message: 'The schema transforms it to undefined, which is not a value' }]

/** How many keys a message lists. */
const MAX_LISTED = 20

/** Finds the schema of a key, and validates values. */
export class SchemaCheck {
  readonly #one: StandardSchemaV1 | undefined
  readonly #byKey: ReadonlyMap<string, StandardSchemaV1> | undefined
  readonly #dictionary: string

  /** @throws TypeError if it is neither a Standard Schema nor a record of them. */
  constructor(schema: Schema | undefined, dictionary: string) {
    this.#dictionary = dictionary
    if (schema === undefined) return
    if (isStandard(schema)) this.#one = schema
    else this.#byKey = byKey(schema)
  }

  /** Whether a read may return something else than what was written. */
  get active(): boolean {
    return this.#one !== undefined || this.#byKey !== undefined
  }

  /** The keys that a record of schemas names. */
  names(): Iterable<string> {
    return this.#byKey?.keys() ?? []
  }

  /** @throws InvalidKeyError if the schema is a record that does not name the key. */
  checkKey(key: string): void {
    if (!this.#byKey || this.#byKey.has(key)) return
    const dictionary = this.#dictionary
    throw new InvalidKeyError(
      `Key ${quoted(key)} of dictionary "${dictionary}" is not named by its schema, so that it cannot be written. ` +
        `Add it to the schema, or write one of: ${listed([...this.#byKey.keys()])}.`,
      { dictionary, key },
    )
  }

  /**
   * Validates a value that is to be written.
   *
   * @throws InvalidValueError if the value does not match; TypeError if the schema returns a promise.
   */
  check(key: string, value: unknown): void {
    this.#validate(key, value, issues => `${describeIssues(issues, value)}.${this.#hint(key, value)}`)
  }

  /**
   * Returns the schema's output for a stored value; the value itself if the key has no schema. The error does not repeat the
   * schema's messages because they may quote the value.
   *
   * @throws InvalidValueError if the value does not match; TypeError if the schema returns a promise.
   */
  output(key: string, value: unknown): unknown {
    const count = (issues: Issues) => (issues.length === 1 ? 'one issue' : `${issues.length} issues`)
    return this.#validate(key, value, issues => `${count(issues)}, listed by "cause". Write the key again.`)
  }

  #validate(key: string, value: unknown, describe: (issues: Issues) => string): unknown {
    const schema = this.#one ?? this.#byKey?.get(key)
    if (!schema) return value
    const result = schema['~standard'].validate(value)
    if (isPromise(result)) {
      // Nobody waits for the result: ignore its rejection.
      void Promise.resolve(result).catch(() => {})
      throw new TypeError(asynchronous(key, this.#dictionary))
    }
    const issues = result.issues ?? (result.value === undefined ? UNDEFINED : undefined)
    if (issues) throw this.#unfit(key, issues, describe(issues))
    return (result as StandardSchemaV1.SuccessResult<unknown>).value
  }

  /** If someone passes one schema of an object, they usually mean its members by key. */
  #hint(key: string, value: unknown): string {
    const schema = this.#one as { shape?: object; entries?: object } | undefined
    const member = (['shape', 'entries'] as const).find(name => Object.hasOwn(Object(schema?.[name]), key))
    if (!member || (typeof value === 'object' && value !== null)) return ''
    return ` The schema applies to every value. For schemas by key, pass its members: { schema: yourSchema.${member} }.`
  }

  #unfit(key: string, issues: Issues, what: string): InvalidValueError {
    const dictionary = this.#dictionary
    const message = `The value of key ${quoted(key)} of dictionary "${dictionary}" does not fit its schema: ${what}`
    return new InvalidValueError(message, { dictionary, key, cause: issues })
  }
}

function isStandard(schema: unknown): schema is StandardSchemaV1 {
  if ((typeof schema !== 'object' && typeof schema !== 'function') || schema === null) return false
  const standard = (schema as Partial<StandardSchemaV1>)['~standard']
  return typeof standard?.validate === 'function'
}

function byKey(schema: Readonly<Record<string, StandardSchemaV1>>): Map<string, StandardSchemaV1> {
  if (typeof schema !== 'object' || schema === null || Symbol.iterator in schema) {
    const got = schema === null ? 'null' : Array.isArray(schema) ? 'an array' : typeof schema
    throw new TypeError(`Option "schema" must be a Standard Schema or a record of them; got ${got}.`)
  }
  const entries = new Map(Object.entries(schema))
  for (const [key, one] of entries) {
    if (!isStandard(one)) throw new TypeError(`Option "schema": the member "${key}" is not a Standard Schema.`)
  }
  return entries
}

function listed(keys: readonly string[]): string {
  const more = keys.length - MAX_LISTED
  return `${keys.slice(0, MAX_LISTED).join(', ')}${more > 0 ? ` and ${more} more` : ''}`
}

function asynchronous(key: string, dictionary: string): string {
  return `The schema of key ${quoted(key)} of dictionary "${dictionary}" returns a promise: it validates asynchronously, or one of its own checks threw. It must be synchronous, because values are also read synchronously.`
}
