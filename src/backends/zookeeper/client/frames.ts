import { Violation } from './violation.js'

/** The longest record that is read, in bytes: what ZooKeeper's own client takes by default (`jute.maxbuffer`). */
export const RECORD_LIMIT = 4 * 2 ** 20

/** A longer record is skipped as it comes in; beyond this length, in bytes, its sender is no ZooKeeper server. */
const SKIP_LIMIT = 256 * 2 ** 20

/** What is read of a record that is skipped: the header of an answer, in bytes. */
const HEADER = 16

const LENGTH = 4

/**
 * Cuts a stream of bytes into records. A length that was announced reserves nothing: memory grows with what has come in, and
 * each byte is copied three times at most.
 */
export class Frames {
  readonly #onRecord: (record: Buffer) => void
  readonly #onSkipped: (header: Buffer, length: number) => void
  /** The beginning of a record. */
  #start: Buffer = Buffer.alloc(0)
  #length = 0
  /** How many bytes of a long record are still to come. */
  #skip = 0
  #stopped = false

  /** @param onSkipped - is called with the first 16 bytes of a record that is too long, and its length. */
  constructor(onRecord: (record: Buffer) => void, onSkipped: (header: Buffer, length: number) => void) {
    this.#onRecord = onRecord
    this.#onSkipped = onSkipped
  }

  /**
   * Takes what has come in.
   *
   * @throws Violation if it begins a record that none is.
   */
  push(data: Buffer): void {
    let rest = data
    while (rest.length > 0 && !this.#stopped) rest = this.#take(rest)
  }

  /** From now on nothing is read any more. */
  stop(): void {
    this.#stopped = true
  }

  /** Returns what is left. */
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
    const count = Math.min(this.#wanted() - this.#length, data.length)
    this.#append(data.subarray(0, count))
    if (this.#length >= LENGTH && this.#length === this.#wanted()) this.#finish()
    return data.subarray(count)
  }

  /** How many bytes are collected next. */
  #wanted(): number {
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
  throw new Violation('it announces a record of a length that no record has')
}
