/**
 * Stores the versions of dictionaries outside their database. Each call returns a promise, which rejects if the cache cannot
 * be reached: a failed request is never reported as a missing key.
 *
 * A token is an integer below 2^53 in decimal digits. It is compared for equality alone. Each call is linearizable as
 * far as the cache's server is.
 */
export interface VersionCache {
  /** Returns the token of the key, or `undefined` if the key is missing. */
  get(key: string): Promise<string | undefined>
  /**
   * Stores the token if the key is missing, and returns whether it was. A client that retries after a lost connection may
   * have stored it at the first attempt, and return `false` for the second. Then `get` returns the token.
   */
  add(key: string, token: string): Promise<boolean>
  /**
   * Adds one to the token atomically, and returns the new one. Returns `undefined` if the key is missing, and does not create
   * it. A client that retries may add twice.
   */
  incr(key: string): Promise<string | undefined>
}

/**
 * What every cache takes: memcached allows no more bytes, and a space or a line's end would be another command. One
 * client cannot distinguish a value under `__proto__` from a missing one.
 */
const KEY = /^(?!__proto__$)[!-~]{1,250}$/

/** @throws TypeError unless it is 1 to 250 printable ASCII characters without spaces, and not `__proto__`. */
export function checkVersionKey(key: string): void {
  if (KEY.test(key)) return
  throw new TypeError(
    'The key of a version must be 1 to 250 printable ASCII characters without spaces, and not __proto__; ' +
      `got ${JSON.stringify(key)}.`,
  )
}

/** Whether it is an integer below 2^53 in decimal digits, in its only spelling. */
export function isToken(text: string): boolean {
  return /^(0|[1-9]\d{0,15})$/.test(text) && Number.isSafeInteger(Number(text))
}

/** @throws TypeError unless it is a token. */
export function checkToken(token: string): void {
  if (isToken(token)) return
  throw new TypeError(
    `A version's token must be an integer below 2^53 in decimal digits; got ${JSON.stringify(token)}.`,
  )
}
