import { DecodingError, EncodingError } from '../errors/errors.js'
import type { Encoding } from './encoding.js'
import { Builder } from './pickle/build.js'
import { Machine } from './pickle/machine.js'
import { writePickle } from './pickle/writer.js'

/**
 * Base64 text of a Python pickle, as the Python library of this name stores values by default. Made for `oldEncoding`, so that a
 * store that Python filled can be read and rewritten; and for stores that Python programs go on reading.
 *
 * | Python | here |
 * |---|---|
 * | `dict` | an object if all keys are `str`, else a Map |
 * | `list`, `tuple` | an array |
 * | `set`, `frozenset` | a Set |
 * | `int` | a number if it is a safe integer, else a BigInt |
 * | `float`, `bool`, `None`, `str` | a number, boolean, `null`, string |
 * | `bytes`, `bytearray` | a Uint8Array |
 * | `datetime` | a Date, without microseconds; one without a time zone is taken for UTC |
 * | `date` | a Date at midnight UTC |
 * | `timedelta` | a number of milliseconds |
 * | `Decimal` | its text |
 *
 * Reads protocols 0 to 5, and the `str` of Python 2 (text if it is UTF-8, else a Uint8Array). Nothing is imported and nothing is run: a pickle that
 * holds anything else is refused.
 *
 * Writes protocol 2 for the same values: null, booleans, numbers (safe integers as `int`, all others as `float`), BigInt, strings, Uint8Array as
 * `bytes`, Date as a `datetime` in UTC (aware), plain objects and Map as `dict`, arrays as `list`, Set as `set`. Shared and cyclic references are kept.
 *
 * @example
 * const settings = await RedisDict.open('settings', client, { oldEncoding: PickleEncoding })
 * await settings.reencode()
 */
export class PickleEncoding implements Encoding<string> {
  readonly name = 'PickleEncoding'

  /**
   * @throws EncodingError for what Python has no plain data for, naming the path of the offending member, and for values that nest
   * more than 500 levels deep
   * @throws TypeError for `undefined`, which is no value
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
   * @throws DecodingError where `stored` is not base64 text of a pickle, or the pickle is damaged, nests more than 500 levels deep, or
   * holds more than plain data. The message never quotes what is stored.
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
