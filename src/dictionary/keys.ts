import { keyFault, MAX_KEY_BYTES } from '../contract/key-fault.js'
import { InvalidKeyError } from '../errors/errors.js'

/** How many keys a message lists. */
const MAX_NAMES = 50

/** The keys that a dictionary accepts: all valid ones or, with `strictKeys`, only the named ones. */
export class Keys {
  readonly isStrict: boolean
  readonly #dictionary: string
  readonly #names: ReadonlySet<string> | undefined

  /** @param names - the accepted keys with `strictKeys`. */
  constructor(dictionary: string, names: ReadonlySet<string> | undefined) {
    this.#dictionary = dictionary
    this.#names = names
    this.isStrict = names !== undefined
  }

  /** Returns the key. @throws InvalidKeyError if the dictionary does not accept it. */
  check(key: unknown): string {
    checkKey(key, this.#dictionary)
    if (this.#names && !this.#names.has(key)) throw this.#unnamed(key, this.#names)
    return key
  }

  #unnamed(key: string, names: ReadonlySet<string>): InvalidKeyError {
    const dictionary = this.#dictionary
    return new InvalidKeyError(
      `Key ${describeKey(key)} of dictionary "${dictionary}" is not named by its defaults or its schema, and the dictionary was ` +
        `opened with { strictKeys: true }. Add the key to them, or use one of: ${[...names].slice(0, MAX_NAMES).join(', ')}.`,
      { dictionary, key },
    )
  }
}

/** @throws InvalidKeyError if the key is not a non-empty well-formed string of at most 512 bytes of UTF-8. */
export function checkKey(key: unknown, dictionary: string): asserts key is string {
  const fault = keyFault(key)
  if (!fault) return
  throw new InvalidKeyError(
    `${describeKey(key)} cannot be a key of dictionary "${dictionary}": ${fault}. ` +
      `A key is a non-empty, well-formed string of at most ${MAX_KEY_BYTES} bytes in UTF-8.`,
    { dictionary, key: typeof key === 'string' ? key : undefined },
  )
}

function describeKey(key: unknown): string {
  if (typeof key !== 'string') return `A key of type ${key === null ? 'null' : typeof key}`
  return JSON.stringify(key.length > 60 ? `${key.slice(0, 60)}…` : key)
}
