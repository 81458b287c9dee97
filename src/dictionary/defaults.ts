import { DurableDictError } from '../errors/errors.js'
import { reworded } from '../errors/for-key.js'
import type { Codec } from './codec.js'
import { checkKey } from './keys.js'

/** The values of keys that are not stored. Kept encoded, so that the caller's objects are neither shared nor frozen. */
export class Defaults {
  readonly #stored = new Map<string, unknown>()
  readonly #decoded = new Map<string, unknown>()
  readonly #codec: Codec

  /** @throws the same errors as writing the values. */
  constructor(defaults: Readonly<Record<string, unknown>>, codec: Codec, dictionary: string) {
    this.#codec = codec
    for (const [key, value] of Object.entries(defaults)) {
      this.#add(key, value, dictionary)
    }
  }

  #add(key: string, value: unknown, dictionary: string): void {
    try {
      checkKey(key, dictionary)
      this.#stored.set(key, this.#codec.encode(key, value))
    } catch (error) {
      throw error instanceof DurableDictError ? reworded(error, `Option "defaults": ${error.message}`) : error
    }
  }

  has(key: string): boolean {
    return this.#stored.has(key)
  }

  keys(): Iterable<string> {
    return this.#stored.keys()
  }

  /** Returns the default of the key, or `undefined`. */
  of(key: string): unknown {
    if (this.#stored.size === 0) return undefined
    const value = this.#decoded.get(key)
    return value === undefined ? this.#first(key) : value
  }

  #first(key: string): unknown {
    const stored = this.#stored.get(key)
    if (stored === undefined) return undefined
    const { value, shareable } = this.#codec.decode(key, stored)
    if (shareable) this.#decoded.set(key, value)
    return value
  }
}
