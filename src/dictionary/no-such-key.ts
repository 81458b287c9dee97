import { KeyError } from '../errors/errors.js'

export function noSuchKey(key: string, dictionary: string): KeyError {
  return new KeyError(
    `Dictionary "${dictionary}" has no key "${key}", and no default for it. Use get() where it may be missing.`,
    { dictionary, key },
  )
}
