import { utf8 } from './reader.js'

/** A list, tuple, set or dictionary of a pickle before it becomes a value. Others may refer to it before it is complete. */
export class Node {
  readonly kind: 'list' | 'tuple' | 'set' | 'frozenset' | 'dict'
  /** Its members; those of a dictionary are keys and values in turn. */
  readonly items: unknown[]
  /** Whether a set was already built from it. */
  used = false

  constructor(kind: Node['kind'], items: unknown[] = []) {
    this.kind = kind
    this.items = items
  }
}

/** A class or function that a pickle names. It is never looked up or called: its name only says what its arguments mean. */
export class Global {
  readonly name: string

  constructor(name: string) {
    this.name = name
  }
}

/** A time zone: how many milliseconds it is ahead of UTC. */
export class Zone {
  readonly offset: number

  constructor(offset: number) {
    this.offset = offset
  }
}

/** A span of time, in milliseconds. */
export class Span {
  readonly ms: number

  constructor(ms: number) {
    this.ms = ms
  }
}

/** A `str` of Python 2, which may be text or bytes. */
export class OldString {
  readonly bytes: Buffer
  #value: string | Uint8Array | undefined

  constructor(bytes: Buffer) {
    this.bytes = bytes
  }

  /** Text if it is UTF-8, else the bytes. Decoded once, because a pickle may refer to one string many times. */
  get value(): string | Uint8Array {
    this.#value ??= utf8(this.bytes) ?? Uint8Array.from(this.bytes)
    return this.#value
  }
}
