/** The longest key, in bytes of UTF-8. */
export const MAX_KEY_BYTES = 512

/** A UTF-16 unit takes at most three bytes in UTF-8, so that shorter keys need no measuring. */
const SHORT_ENOUGH = Math.floor(MAX_KEY_BYTES / 3)

/** Returns why this cannot be a key; `undefined` if it is a non-empty, well-formed string of at most 512 bytes of UTF-8. */
export function keyFault(key: unknown): string | undefined {
  if (typeof key !== 'string') return `it is of type ${key === null ? 'null' : typeof key}`
  if (key.length === 0) return 'it is empty'
  if (key.length > SHORT_ENOUGH && Buffer.byteLength(key) > MAX_KEY_BYTES)
    return `it has ${Buffer.byteLength(key)} bytes`
  return key.isWellFormed() ? undefined : 'it holds half of a surrogate pair'
}
