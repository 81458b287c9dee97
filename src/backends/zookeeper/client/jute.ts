/** Writes a record in the format of ZooKeeper's protocol (jute): big-endian, with a length before text and bytes. */
export class Output {
  #buffer = Buffer.allocUnsafe(512)
  #length = 0

  int(value: number): this {
    const at = this.#room(4)
    this.#buffer.writeInt32BE(value, at)
    return this
  }

  long(value: bigint): this {
    const at = this.#room(8)
    this.#buffer.writeBigInt64BE(value, at)
    return this
  }

  bool(value: boolean): this {
    const at = this.#room(1)
    this.#buffer[at] = value ? 1 : 0
    return this
  }

  bytes(value: Uint8Array): this {
    this.int(value.length)
    const at = this.#room(value.length)
    this.#buffer.set(value, at)
    return this
  }

  text(value: string): this {
    const length = Buffer.byteLength(value)
    this.int(length)
    const at = this.#room(length)
    this.#buffer.write(value, at)
    return this
  }

  /** Returns the record with its length before it. */
  frame(): Buffer {
    const framed = Buffer.allocUnsafe(4 + this.#length)
    framed.writeInt32BE(this.#length)
    this.#buffer.copy(framed, 4, 0, this.#length)
    return framed
  }

  /** Reserves space and returns its offset. Call it before you use the buffer, which it may replace. */
  #room(bytes: number): number {
    const start = this.#length
    this.#length += bytes
    if (this.#length > this.#buffer.length) {
      const larger = Buffer.allocUnsafe(Math.max(this.#length, 2 * this.#buffer.length))
      this.#buffer.copy(larger, 0, 0, start)
      this.#buffer = larger
    }
    return start
  }
}

/** Reads a record. Throws a `RangeError` if it ends too early, or announces more data than it contains. */
export class Input {
  readonly #buffer: Buffer
  #offset = 0

  constructor(buffer: Buffer) {
    this.#buffer = buffer
  }

  int(): number {
    this.#offset += 4
    return this.#buffer.readInt32BE(this.#offset - 4)
  }

  long(): bigint {
    this.#offset += 8
    return this.#buffer.readBigInt64BE(this.#offset - 8)
  }

  bool(): boolean {
    this.#offset += 1
    return this.#buffer.readInt8(this.#offset - 1) !== 0
  }

  /** Returns a view, not a copy. Returns an empty buffer for absent bytes, which the protocol distinguishes. */
  bytes(): Buffer {
    const length = this.count(1)
    this.#offset += length
    return this.#buffer.subarray(this.#offset - length, this.#offset)
  }

  text(): string {
    return this.bytes().toString()
  }

  /**
   * Returns how many items follow, 0 if they are absent.
   *
   * @param least - the smallest size of an item, in bytes: that much data must remain.
   */
  count(least: number): number {
    const count = this.int()
    if (count === -1) return 0
    if (count >= 0 && count * least <= this.#buffer.length - this.#offset) return count
    throw new RangeError('The record announces more data than it contains.')
  }
}
