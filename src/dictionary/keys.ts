import { keyFault, MAX_KEY_BYTES } from '../contract/key-fault.js'
import { InvalidKeyError } from '../errors/errors.js'

/** @throws InvalidKeyError unless the key is a non-empty well-formed string of at most 512 bytes of UTF-8. */
export function checkKey(key: unknown, dictionary: string): asserts key is string {
  const fault = keyFault(key)
  if (!fault) return
  throw new InvalidKeyError(
    `${shown(key)} cannot be a key of dictionary "${dictionary}": ${fault}. ` +
      `A key is a non-empty, well-formed string of at most ${MAX_KEY_BYTES} bytes in UTF-8.`,
    { dictionary, key: typeof key === 'string' ? key : undefined },
  )
}

function shown(key: unknown): string {
  if (typeof key !== 'string') return `A key of type ${key === null ? 'null' : typeof key}`
  return JSON.stringify(key.length > 60 ? `${key.slice(0, 60)}…` : key)
}
