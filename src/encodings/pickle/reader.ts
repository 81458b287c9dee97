import { DecodingError } from '../../errors/errors.js'

const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** The bytes of a pickle, read from front to back. A length that they announce is never trusted beyond their end. */
export class Reader {
  readonly #bytes: Buffer
  #at = 0

  constructor(bytes: Buffer) {
    this.#bytes = bytes
  }

  get position(): number {
    return this.#at
  }

  get length(): number {
    return this.#bytes.length
  }

  byte(): number {
    return this.take(1)[0] as number
  }

  /** Returns that many bytes without a copy. @throws DecodingError if there are fewer. */
  take(length: number): Buffer {
    const end = this.#at + length
    if (end > this.#bytes.length) throw this.damaged('ends too early')
    const taken = this.#bytes.subarray(this.#at, end)
    this.#at = end
    return taken
  }

  /** Returns bytes that are preceded by their count, a number of `size` bytes. */
  counted(size: 1 | 4 | 8): Buffer {
    return this.take(this.unsigned(size))
  }

  unsigned(size: 1 | 2 | 4 | 8): number {
    const bytes = this.take(size)
    return size === 8 ? Number(bytes.readBigUInt64LE()) : bytes.readUIntLE(0, size)
  }

  int32(): number {
    return this.take(4).readInt32LE()
  }

  float(): number {
    return this.take(8).readDoubleBE()
  }

  /** Returns the rest of the line, in Latin-1. */
  line(): string {
    const end = this.#bytes.indexOf(10, this.#at)
    if (end < 0) throw this.damaged('ends too early')
    const line = this.#bytes.toString('latin1', this.#at, end)
    this.#at = end + 1
    return line
  }

  damaged(what: string): DecodingError {
    return new DecodingError(`The stored pickle ${what} (at byte ${this.#at})`)
  }
}

/** Decodes Python's text: UTF-8 with lone surrogates allowed. Returns `undefined` if it is invalid. */
export function utf8(bytes: Uint8Array): string | undefined {
  try {
    return UTF8.decode(bytes)
  } catch {
    return surrogates(bytes)
  }
}

/** With `surrogatepass`, a lone surrogate is three bytes, ED A0 80 to ED BF BF. */
function surrogates(bytes: Uint8Array): string | undefined {
  const parts: string[] = []
  let from = 0
  try {
    for (let at = bytes.indexOf(0xed); at >= 0; at = bytes.indexOf(0xed, at + 1)) {
      const [second = 0, third = 0] = bytes.subarray(at + 1, at + 3)
      if (second < 0xa0 || second > 0xbf || third < 0x80 || third > 0xbf) continue
      parts.push(
        UTF8.decode(bytes.subarray(from, at)),
        String.fromCharCode(0xd000 | ((second & 0x3f) << 6) | (third & 0x3f)),
      )
      from = at + 3
    }
    return parts.join('') + UTF8.decode(bytes.subarray(from))
  } catch {
    return undefined
  }
}

/** Returns a whole number in two's complement, least significant byte first. */
export function integer(bytes: Uint8Array): number | bigint {
  if (bytes.length === 0) return 0
  const hex = Buffer.from(bytes).reverse().toString('hex')
  const unsigned = BigInt(`0x${hex}`)
  const negative = (bytes[bytes.length - 1] as number) >= 0x80
  return narrowed(negative ? unsigned - (1n << BigInt(8 * bytes.length)) : unsigned)
}

/** Returns a number if it is a safe integer, else the BigInt. */
export function narrowed(value: bigint): number | bigint {
  const number = Number(value)
  return Number.isSafeInteger(number) ? number : value
}
