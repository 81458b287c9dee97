import { DecodingError, EncodingError } from '../errors/errors.js'
import type { Encoding } from './encoding.js'
import { Builder } from './pickle/build.js'
import { Machine } from './pickle/machine.js'
import { writePickle } from './pickle/writer.js'

/**
 * Base64 text of a Python pickle, as the Python library of this name stores values by default. Use it as `oldEncoding` to read and
 * rewrite a store that Python filled, or as `encoding` for a store that Python programs still read.
 *
 * | Python | here |
 * |---|---|
 * | `dict` | an object if all keys are `str`, else a Map |
 * | `list`, `tuple` | an array |
 * | `set`, `frozenset` | a Set |
 * | `int` | a number if it is a safe integer, else a BigInt |
 * | `float`, `bool`, `None`, `str` | a number, boolean, `null`, string |
 * | `bytes`, `bytearray` | a Uint8Array |
 * | `datetime` | a Date, without microseconds; without a time zone it counts as UTC |
 * | `date` | a Date at midnight UTC |
 * | `timedelta` | a number of milliseconds |
 * | `Decimal` | its text |
 *
 * Reads protocols 0 to 5, and the `str` of Python 2 (text if it is UTF-8, else a Uint8Array). It imports nothing and runs nothing: it
 * refuses a pickle that contains anything else.
 *
 * Writes protocol 2 for the same values: null, booleans, strings, BigInt and numbers (safe integers as `int`, all others as `float`).
 * A Uint8Array becomes `bytes`, a Date an aware `datetime` in UTC, a plain object or Map a `dict`, an array a `list`, and a Set a
 * `set`. Shared and cyclic references are kept.
 *
 * @example
 * const settings = await RedisDict.open('settings', client, { oldEncoding: PickleEncoding })
 * await settings.reencode()
 */
export class PickleEncoding implements Encoding<string> {
  readonly name = 'PickleEncoding'

  /**
   * @throws EncodingError if Python has no plain data for a member, with its path, or if the value is nested
   * more than 500 levels deep
   * @throws TypeError for `undefined`, which is not a value
   */
  encode(value: unknown): string {
    if (value === undefined) throw new TypeError('`undefined` is not a value: delete the key, or store `null`')
    try {
      return writePickle(value).toString('base64')
    } catch (error) {
      if (error instanceof EncodingError) throw error
      const message = error instanceof Error ? error.message : String(error)
      throw new EncodingError(`The value cannot be pickled: ${message}`, { cause: error })
    }
  }

  /**
   * @throws DecodingError if `stored` is not base64 text of a pickle, or the pickle is damaged, is nested more than 500 levels deep, or
   * contains more than plain data. The message never quotes stored text.
   */
  decode(stored: string): unknown {
    if (typeof stored !== 'string') throw new DecodingError(`PickleEncoding reads text, not ${typeof stored}`)
    // Python breaks lines after 76 characters.
    if (!/^[A-Za-z0-9+/\r\n]+={0,2}[\r\n]*$/.test(stored)) {
      throw new DecodingError('The stored text is not base64, which PickleEncoding reads')
    }
    return new Builder().build(new Machine(Buffer.from(stored, 'base64')).run())
  }
}
