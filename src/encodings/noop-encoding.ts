import type { Encoding } from './encoding.js'

/**
 * Hands on the value itself. Only a store inside this process can hold such values: `MemoryDict` takes it, the other
 * dictionaries refuse it when they are opened.
 *
 * Nothing is copied, checked or frozen. Whoever alters a value that was written or read alters it for everyone, without
 * any version or event saying so.
 *
 * @example
 * await MemoryDict.open(undefined, { encoding: NoOpEncoding })
 */
export class NoOpEncoding implements Encoding<unknown> {
  readonly name = 'NoOpEncoding'
  readonly passThrough = true

  encode(value: unknown): unknown {
    return value
  }

  decode(stored: unknown): unknown {
    return stored
  }
}
