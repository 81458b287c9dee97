import type { Encoding } from './encoding.js'

/**
 * Passes values through unchanged. Only a store inside this process can hold them: `MemoryDict` accepts this encoding, and other
 * dictionaries refuse it when they are opened.
 *
 * Nothing is copied, checked or frozen. Code that changes a value after it wrote or read it changes it for all readers, without
 * a new version or an event.
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
