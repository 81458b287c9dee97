import { KeyError } from '../errors/errors.js'
import { quoted } from '../errors/quoted.js'

export function noSuchKey(key: string, dictionary: string): KeyError {
  return new KeyError(
    `Dictionary "${dictionary}" has no key ${quoted(key)}, and no default for it. Use get(), or pass a fallback to pop(), if the key may be missing.`,
    { dictionary, key },
  )
}
