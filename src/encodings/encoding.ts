/**
 * Turns values into stored forms and back.
 *
 * `encode` throws if it cannot store the value without loss. `decode` throws if `stored` is not of this encoding, and
 * returns a new value at each call. The dictionary adds its name and the key to their errors. Neither may
 * change or keep its argument.
 *
 * @typeParam S - the stored form: a string, or bytes if the backend can hold them.
 */
export interface Encoding<S = string> {
  /** The name of the encoding in error messages. */
  readonly name: string
  /**
   * Whether `encode` and `decode` return their argument unchanged. Values are then shared without copying or freezing, and only a
   * store inside this process can hold them. Default false.
   */
  readonly passThrough?: boolean | undefined
  /**
   * The tag of text that is not JSON: `encode` writes JSON text, except for values that JSON cannot hold, whose text begins with this
   * tag. A JSON column then stores JSON unchanged and tagged text as a JSON string. A JSON string that begins with the tag must
   * therefore be tagged too. Default: JSON columns hold either only JSON or only strings, as `encode` writes them.
   */
  readonly tag?: string | undefined
  encode(value: unknown): S
  decode(stored: S): unknown
}
