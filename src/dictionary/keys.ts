import { InvalidKeyError } from '../errors/errors.js'

/** The longest key, in bytes of UTF-8. */
const MAX_KEY_BYTES = 512

/** No UTF-16 unit takes more than three bytes of UTF-8, so that shorter keys need not be measured. */
const SURELY_SHORT = Math.floor(MAX_KEY_BYTES / 3)

/** @throws InvalidKeyError unless the key is a non-empty well-formed string of at most 512 bytes of UTF-8. */
export function checkKey(key: unknown, dictionary: string): asserts key is string {
  const fault = faultOf(key)
  if (!fault) return
  throw new InvalidKeyError(
    `${shown(key)} cannot be a key of dictionary "${dictionary}": ${fault}. ` +
      `A key is a non-empty, well-formed string of at most ${MAX_KEY_BYTES} bytes in UTF-8.`,
    { dictionary, key: typeof key === 'string' ? key : undefined },
  )
}

function faultOf(key: unknown): string | undefined {
  if (typeof key !== 'string') return `it is of type ${key === null ? 'null' : typeof key}`
  if (key.length === 0) return 'it is empty'
  if (key.length > SURELY_SHORT && Buffer.byteLength(key) > MAX_KEY_BYTES)
    return `it has ${Buffer.byteLength(key)} bytes`
  return key.isWellFormed() ? undefined : 'it holds half of a surrogate pair'
}

function shown(key: unknown): string {
  if (typeof key !== 'string') return `A key of type ${key === null ? 'null' : typeof key}`
  return JSON.stringify(key.length > 60 ? `${key.slice(0, 60)}…` : key)
}
