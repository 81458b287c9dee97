import { isUtf8 } from 'node:buffer'

/** A stored form: what an encoding makes. */
export type Stored = string | Uint8Array

/** What comes before bytes, so that they are told from text: no UTF-8 contains it. */
const BYTES = 0xff

/** A stored form as a znode's data: text as UTF-8, so that anyone can read it; bytes after 0xFF. */
export function toData(stored: Stored): Buffer {
  return typeof stored === 'string' ? Buffer.from(stored) : Buffer.concat([Buffer.of(BYTES), stored])
}

/** The reverse of {@link toData}. What is neither, and so by another's hand, is given as the bytes that it is. */
export function fromData(data: Buffer): Stored {
  if (data[0] === BYTES) return new Uint8Array(data.subarray(1))
  return isUtf8(data) ? data.toString() : new Uint8Array(data)
}
