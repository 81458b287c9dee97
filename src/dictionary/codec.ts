import type { ValueKind } from '../contract/backend.js'
import { DamagedValue } from '../contract/damaged-value.js'
import { isPromise } from '../contract/is-promise.js'
import type { Encoding } from '../encodings/encoding.js'
import { deepFreeze } from '../encodings/freeze.js'
import { DecodingError, EncodingError, InvalidValueError, UnsupportedError } from '../errors/errors.js'
import { describeError, forKey } from '../errors/for-key.js'
import { quoted } from '../errors/quoted.js'
import { loggable, messageOf } from '../errors/quoted-input.js'
import type { Decoded } from '../replica/entries.js'
import type { SchemaCheck } from './schema.js'

export interface CodecOptions {
  readonly dictionary: string
  readonly encoding: Encoding<unknown>
  readonly oldEncoding: Encoding<unknown> | undefined
  readonly schema: SchemaCheck
  readonly valueKind: ValueKind | undefined
  /** Called for each value that only the old encoding can decode. */
  onOld(key: string): void
}

/** Turns values into stored forms and back: schema, encoding, freezing. */
export class Codec {
  readonly #options: CodecOptions

  /** @throws UnsupportedError if the store cannot hold what the encoding returns. */
  constructor(options: CodecOptions) {
    this.#options = options
    for (const encoding of [options.encoding, options.oldEncoding]) if (encoding) checkValueKind(encoding, options)
  }

  /**
   * Returns the stored form of a value. The caller's object is neither kept nor frozen.
   *
   * @throws TypeError for `undefined`, InvalidKeyError, InvalidValueError, EncodingError.
   */
  encode(key: string, value: unknown): unknown {
    const { dictionary, schema } = this.#options
    if (value === undefined) {
      throw new TypeError(
        `undefined is not a value: key ${quoted(key)} of dictionary "${dictionary}" was not written. Use delete(), or null.`,
      )
    }
    schema.checkKey(key)
    // The value itself is stored, not the schema's output: each read applies the schema, and must not transform a value twice.
    schema.check(key, value)
    return this.#encode(key, value)
  }

  /** @throws DecodingError, or InvalidValueError if the value does not match the schema. */
  decode(key: string, stored: unknown): Decoded {
    const { encoding, schema } = this.#options
    const value = schema.output(key, this.raw(key, stored))
    return { value, shareable: encoding.passThrough === true || deepFreeze(value) }
  }

  /** @throws InvalidKeyError, DecodingError or InvalidValueError if the dictionary could not write and read such a value itself. */
  checkStored(key: string, stored: unknown): void {
    this.#options.schema.checkKey(key)
    this.decode(key, stored)
  }

  /** Returns the new stored form of a value that only the old encoding can decode; `undefined` if it needs none. */
  reencoded(key: string, stored: unknown): unknown {
    const { encoding, oldEncoding } = this.#options
    if (!oldEncoding) return undefined
    const result = attempt(encoding, stored)
    if (result.ok) return undefined
    const old = attempt(oldEncoding, stored)
    if (!old.ok) throw this.#undecodable(key, result.error, old.error)
    return this.#encode(key, old.value)
  }

  #encode(key: string, value: unknown): unknown {
    const { dictionary, encoding, valueKind } = this.#options
    try {
      const stored = encoding.encode(value)
      checkStored(stored, valueKind)
      return stored
    } catch (cause) {
      if (cause instanceof InvalidValueError) throw forKey(cause, key)
      throw new EncodingError(
        `The value of key ${quoted(key)} of dictionary "${dictionary}" was not written: ${encoding.name} cannot encode it: ` +
          describeError(cause),
        { dictionary, key, cause },
      )
    }
  }

  /** Returns the value as it was written: the schema is not applied. @throws DecodingError */
  raw(key: string, stored: unknown): unknown {
    const { encoding, oldEncoding, onOld } = this.#options
    const result = attempt(encoding, stored)
    if (result.ok) return result.value
    if (!oldEncoding) throw this.#undecodable(key, result.error)
    const old = attempt(oldEncoding, stored)
    if (!old.ok) throw this.#undecodable(key, result.error, old.error)
    onOld(key)
    return old.value
  }

  #undecodable(key: string, cause: unknown, oldCause?: unknown): DecodingError {
    const { dictionary } = this.#options
    return new DecodingError(
      `The value stored under key ${quoted(key)} of dictionary "${dictionary}" cannot be decoded by ` +
        `${this.#failures(cause, oldCause)} Write the key again, or pass the encoding it was written with as "oldEncoding".`,
      { dictionary, key, cause: loggable(cause) },
    )
  }

  /** Names each encoding that failed with its own reason: the old encoding's reason is often the important one. */
  #failures(cause: unknown, oldCause: unknown): string {
    const { encoding, oldEncoding } = this.#options
    const reason = describeError(messageOf(cause))
    if (!oldEncoding) return `${encoding.name}: ${reason}`
    const oldReason = describeError(messageOf(oldCause))
    if (oldReason === reason) return `${encoding.name} or ${oldEncoding.name}: ${reason}`
    return `${encoding.name}: ${reason} It cannot be decoded by ${oldEncoding.name} either: ${oldReason}`
  }
}

type Attempt = { readonly ok: true; readonly value: unknown } | { readonly ok: false; readonly error: unknown }

function attempt(encoding: Encoding<unknown>, stored: unknown): Attempt {
  if (stored instanceof DamagedValue) return { ok: false, error: new Error(stored.reason) }
  try {
    const value = encoding.decode(stored)
    if (value === undefined) return { ok: false, error: new Error('It decodes to undefined, which is not a value.') }
    return { ok: true, value }
  } catch (error) {
    return { ok: false, error }
  }
}

function checkValueKind(encoding: Encoding<unknown>, { valueKind, dictionary }: CodecOptions): void {
  if (!encoding.passThrough || valueKind === 'references') return
  throw new UnsupportedError(
    `${encoding.name} passes values through unchanged, and only a store inside this process can hold them; ` +
      `the store of dictionary "${dictionary}" cannot. Use RichEncoding or JSONEncoding.`,
    { dictionary },
  )
}

function checkStored(stored: unknown, valueKind: ValueKind | undefined): void {
  if (stored === undefined) throw new TypeError('It encodes to undefined.')
  if (isPromise(stored)) throw new TypeError('It encodes to a promise: encode() must be synchronous.')
  if (valueKind === undefined || valueKind === 'references' || typeof stored === 'string') return
  if (valueKind === 'bytes' && stored instanceof Uint8Array) return
  throw new TypeError(
    `It encodes to ${typeof stored}, but the store holds only ${valueKind === 'text' ? 'strings' : 'strings and bytes'}.`,
  )
}
