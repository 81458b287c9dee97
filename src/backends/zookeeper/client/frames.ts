import { Violation } from './violation.js'

/** The longest record to read, in bytes: the default of ZooKeeper's own client (`jute.maxbuffer`). */
export const RECORD_LIMIT = 4 * 2 ** 20

/** The longest record to skip, in bytes: the sender of a longer one is not a ZooKeeper server. */
const SKIP_LIMIT = 256 * 2 ** 20

/** The part of a skipped record that is read, in bytes: the header of an answer. */
const HEADER = 16

const LENGTH = 4

/**
 * Splits a stream of bytes into records. An announced length allocates nothing: memory grows with the data received,
 * and each byte is copied at most three times.
 */
export class Frames {
  readonly #onRecord: (record: Buffer) => void
  readonly #onSkipped: (header: Buffer, length: number) => void
  /** The beginning of a record. */
  #start: Buffer = Buffer.alloc(0)
  #length = 0
  /** The number of bytes of a long record still to skip. */
  #skip = 0
  #stopped = false

  /** @param onSkipped - called with the first 16 bytes of a record that is too long, and its length. */
  constructor(onRecord: (record: Buffer) => void, onSkipped: (header: Buffer, length: number) => void) {
    this.#onRecord = onRecord
    this.#onSkipped = onSkipped
  }

  /**
   * Processes received data.
   *
   * @throws Violation if a record announces an impossible length.
   */
  push(data: Buffer): void {
    let rest = data
    while (rest.length > 0 && !this.#stopped) rest = this.#take(rest)
  }

  /** Stops reading. */
  stop(): void {
    this.#stopped = true
  }

  /** Consumes data and returns the rest. */
  #take(data: Buffer): Buffer {
    if (this.#skip > 0) return this.#drop(data)
    if (this.#length > 0 || data.length < LENGTH) return this.#collect(data)
    const length = lengthOf(data)
    const end = LENGTH + length
    if (length > RECORD_LIMIT || data.length < end) return this.#collect(data)
    this.#onRecord(data.subarray(LENGTH, end))
    return data.subarray(end)
  }

  #drop(data: Buffer): Buffer {
    const count = Math.min(this.#skip, data.length)
    this.#skip -= count
    return data.subarray(count)
  }

  #collect(data: Buffer): Buffer {
    const count = Math.min(this.#target() - this.#length, data.length)
    this.#append(data.subarray(0, count))
    if (this.#length >= LENGTH && this.#length === this.#target()) this.#finish()
    return data.subarray(count)
  }

  /** The number of bytes to collect in total before the next step. */
  #target(): number {
    if (this.#length < LENGTH) return LENGTH
    const length = lengthOf(this.#start)
    return LENGTH + (length > RECORD_LIMIT ? HEADER : length)
  }

  #append(data: Buffer): void {
    const length = this.#length + data.length
    if (length > this.#start.length) {
      const larger = Buffer.allocUnsafe(Math.max(length, 2 * this.#length))
      this.#start.copy(larger, 0, 0, this.#length)
      this.#start = larger
    }
    data.copy(this.#start, this.#length)
    this.#length = length
  }

  #finish(): void {
    const [record, length] = [this.#start.subarray(LENGTH, this.#length), lengthOf(this.#start)]
    this.#start = Buffer.alloc(0)
    this.#length = 0
    if (length <= RECORD_LIMIT) this.#onRecord(record)
    else {
      this.#skip = length - HEADER
      this.#onSkipped(record, length)
    }
  }
}

function lengthOf(start: Buffer): number {
  const length = start.readInt32BE(0)
  if (length >= 0 && length <= SKIP_LIMIT) return length
  throw new Violation('it announced an impossible record length')
}
