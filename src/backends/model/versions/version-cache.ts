/**
 * Where the version of dictionaries is kept outside of their database. Promises; each call may take its time, and
 * rejects where the cache cannot be reached: what could not be asked is never told as missing.
 *
 * A token is an integer below 2^53 in decimal digits. It is compared for equality alone. Each call is linearizable as
 * far as the cache's server is.
 */
export interface VersionCache {
  /** The token that is kept under the key, or undefined where there is none. */
  get(key: string): Promise<string | undefined>
  /**
   * Keeps the token where the key is missing; whether it was. A client that sends again after a lost connection may
   * have kept it at the first sending, and tells false of the second: then `get` gives the token.
   */
  add(key: string, token: string): Promise<boolean>
  /**
   * Adds one to the token, atomically, and gives the new one; undefined where the key is missing, which stays so. A
   * client that sends again may have added twice.
   */
  incr(key: string): Promise<string | undefined>
}

/**
 * What every cache takes: memcached allows no more bytes, and a space or a line's end would be another command. What
 * one client of it finds under `__proto__` cannot be told from nothing.
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
