import { isUtf8 } from 'node:buffer'
import { DamagedValue } from '../../contract/damaged-value.js'

/** A stored form: what an encoding makes; or what cannot be read. */
export type Stored = string | Uint8Array | DamagedValue

/** What comes before bytes, so that they are told from text: no UTF-8 contains it. */
const BYTES = 0xff

/** Stands for data that is too long to be read. Recognized by identity. */
export const TOO_LONG = Buffer.of(BYTES)

/** A stored form as a znode's data: text as UTF-8, so that anyone can read it; bytes after 0xFF. */
export function toData(stored: Stored): Buffer {
  if (stored instanceof DamagedValue) throw new TypeError('A damaged value is never written.')
  return typeof stored === 'string' ? Buffer.from(stored) : Buffer.concat([Buffer.of(BYTES), stored])
}

/** The reverse of {@link toData}. What is neither, and so by another's hand, is given as the bytes that it is. */
export function fromData(data: Buffer): Stored {
  if (data === TOO_LONG) return new DamagedValue('It is longer than 4 MiB, the most that is read.')
  if (data[0] === BYTES) return new Uint8Array(data.subarray(1))
  return isUtf8(data) ? data.toString() : new Uint8Array(data)
}
