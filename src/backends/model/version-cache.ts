/**
 * Where the version of dictionaries is kept outside of their database. Every call may take its time, and rejects where the
 * cache cannot be reached: a fault is never told as a missing token.
 */
export interface VersionCache {
  /** The token that is kept under the key (decimal digits); `undefined` where there is none. */
  get(key: string): Promise<string | undefined>
  /** Keeps the token where the key is missing; gives whether it was. */
  add(key: string, token: string): Promise<boolean>
  /** Adds one to the token, atomically, and gives the new one; `undefined` where the key is missing. */
  incr(key: string): Promise<string | undefined>
}
