import { isUtf8 } from 'node:buffer'
import { DamagedValue } from '../../contract/damaged-value.js'

/** A stored value: the result of an encoding, or a value that cannot be read. */
export type Stored = string | Uint8Array | DamagedValue

/** The prefix of bytes, which distinguishes them from text: UTF-8 never contains it. */
const BYTES = 0xff

/** Replaces data that is too long to read. Compared by identity. */
export const TOO_LONG = Buffer.of(BYTES)

/** Converts a stored value to a znode's data: text as UTF-8, so that other tools can read it; bytes after 0xFF. */
export function toData(stored: Stored): Buffer {
  if (stored instanceof DamagedValue) throw new TypeError('A damaged value cannot be written.')
  return typeof stored === 'string' ? Buffer.from(stored) : Buffer.concat([Buffer.of(BYTES), stored])
}

/** The reverse of {@link toData}. Data in neither form, from an external writer, is returned as bytes. */
export function fromData(data: Buffer): Stored {
  if (data === TOO_LONG) return new DamagedValue('It is longer than 4 MiB, the read limit.')
  if (data[0] === BYTES) return new Uint8Array(data.subarray(1))
  return isUtf8(data) ? data.toString() : new Uint8Array(data)
}
