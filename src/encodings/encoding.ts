/**
 * Turns a value into what the store holds, and back.
 *
 * `encode` throws where the value cannot be kept as it is; `decode` throws where `stored` is not of this encoding, and
 * gives a value of its own at each call. The dictionary adds its name and the key to whatever they throw. Neither may
 * alter or keep what it is given.
 *
 * @typeParam S - what the store holds: a string, or bytes where the backend can hold them.
 */
export interface Encoding<S = string> {
  /** Named in errors. */
  readonly name: string
  /**
   * Set where `encode` and `decode` hand on the value itself: it is then shared as it is and never frozen, and only a
   * store inside this process can hold it.
   */
  readonly passThrough?: boolean | undefined
  /**
   * Set where `encode` writes JSON text, except for values that JSON cannot keep, whose text begins with this tag. A column of
   * JSON then holds JSON as it is, and tagged text as a JSON string; so text with the value of a JSON string that begins with the
   * tag must be tagged as well. Default: columns of JSON hold either JSON alone or strings alone, as `encode` writes them.
   */
  readonly tag?: string | undefined
  encode(value: unknown): S
  decode(stored: S): unknown
}
