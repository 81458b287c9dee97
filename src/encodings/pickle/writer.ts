import { classNameOf, enter, type Frame, isForeignPrototype, refuse, refuseSymbolKeys } from '../walk.js'

/**
 * Writes plain data as a pickle of protocol 2, which every Python since 2.3 reads; dates need Python 3.
 * @throws EncodingError with the path of a member that is not plain data.
 */
export function writePickle(value: unknown): Buffer {
  const writer = new Writer()
  writer.put('\x80\x02')
  writer.member(value, undefined)
  writer.put('.')
  return writer.bytes()
}

const HALF = /\p{Surrogate}/u
const HALVES = /\p{Surrogate}/gu

class Writer {
  readonly #parts: Buffer[] = []
  readonly #memo = new Map<object, number>()

  bytes(): Buffer {
    return Buffer.concat(this.#parts)
  }

  /** Appends operations, one byte for each character. */
  put(operations: string): void {
    this.#parts.push(Buffer.from(operations, 'latin1'))
  }

  #sized(operation: string, size: number): void {
    const head = Buffer.alloc(5, operation, 'latin1')
    head.writeUInt32LE(size, 1)
    this.#parts.push(head)
  }

  member(value: unknown, frame: Frame | undefined): void {
    if (typeof value === 'string') this.#text(value)
    else if (typeof value === 'number') this.#number(value)
    else if (typeof value === 'bigint') this.#integer(value)
    else if (typeof value === 'boolean') this.put(value ? '\x88' : '\x89')
    else if (value === null) this.put('N')
    else if (typeof value === 'object') this.#container(value, frame)
    else if (value === undefined)
      refuse(frame, 'is `undefined`, which Python does not have. Leave it out, or store `null`')
    else refuse(frame, `is a ${typeof value}, which a pickle of plain data cannot hold`)
  }

  #text(text: string): void {
    const bytes = HALF.test(text) ? withHalves(text) : Buffer.from(text, 'utf8')
    this.#sized('X', bytes.length)
    this.#parts.push(bytes)
  }

  #number(value: number): void {
    if (Number.isSafeInteger(value) && !Object.is(value, -0)) this.#integer(BigInt(value))
    else {
      const float = Buffer.alloc(9, 'G', 'latin1')
      float.writeDoubleBE(value, 1)
      this.#parts.push(float)
    }
  }

  #integer(value: bigint): void {
    if (value >= -0x8000_0000n && value < 0x8000_0000n) {
      const int = Buffer.alloc(5, 'J', 'latin1')
      int.writeInt32LE(Number(value), 1)
      this.#parts.push(int)
      return
    }
    const bytes = twosComplement(value)
    if (bytes.length < 256) this.put(`\x8a${String.fromCharCode(bytes.length)}`)
    else this.#sized('\x8b', bytes.length)
    this.#parts.push(bytes)
  }

  #container(container: object, parent: Frame | undefined): void {
    const known = this.#memo.get(container)
    if (known !== undefined) this.#sized('j', known)
    else if (container instanceof Date) this.#date(container, parent)
    else if (container instanceof Uint8Array) this.#binary(container)
    else this.#members(container, enter(parent, container))
  }

  #members(container: object, frame: Frame): void {
    if (Array.isArray(container)) this.#array(container, frame)
    else if (container instanceof Map) this.#map(container, frame)
    else if (container instanceof Set) this.#set(container, frame)
    else this.#object(container as Record<string, unknown>, frame)
  }

  /** Begins a container and memoizes it, so that others can refer to it. */
  #begin(container: object, operation: string): void {
    this.put(operation)
    this.#sized('r', this.#memo.size)
    this.#memo.set(container, this.#memo.size)
    this.put('(')
  }

  #array(array: unknown[], frame: Frame): void {
    checkClass(array, 'Array', frame)
    refuseSymbolKeys(array, frame)
    this.#begin(array, ']')
    for (let index = 0; index < array.length; index++) {
      frame.at = index
      if (!Object.hasOwn(array, index)) refuse(frame, 'is a hole in an array. Store `null`')
      this.member(array[index], frame)
    }
    const keys = Object.keys(array)
    frame.at = keys[array.length]
    if (keys.length > array.length) refuse(frame, 'is a named property of an array. Use an object')
    this.put('e')
  }

  #object(object: Record<string, unknown>, frame: Frame): void {
    checkClass(object, 'Object', frame)
    refuseSymbolKeys(object, frame)
    this.#begin(object, '}')
    for (const key of Object.keys(object)) {
      frame.at = key
      this.#text(key)
      this.member(object[key], frame)
    }
    this.put('u')
  }

  #map(map: Map<unknown, unknown>, frame: Frame): void {
    checkClass(map, 'Map', frame)
    this.#begin(map, '}')
    const keys = new Set<unknown>()
    for (const [key, value] of map) {
      frame.via = '.keys()'
      frame.at = keys.size
      this.#hashable(key, keys, frame)
      frame.via = '.get'
      frame.at = key
      this.member(value, frame)
    }
    this.put('u')
  }

  #set(set: Set<unknown>, frame: Frame): void {
    checkClass(set, 'Set', frame)
    frame.via = '.values()'
    this.put('c__builtin__\nset\n](')
    const members = new Set<unknown>()
    for (const member of set) {
      frame.at = members.size
      this.#hashable(member, members, frame)
    }
    this.put('e\x85R')
    this.#sized('r', this.#memo.size)
    this.#memo.set(set, this.#memo.size)
  }

  /** A key or a set member. Python accepts only immutable ones, and treats `true` and 1 as the same. */
  #hashable(key: unknown, others: Set<unknown>, frame: Frame): void {
    const isFixed = typeof key !== 'object' || key === null || key instanceof Date || key instanceof Uint8Array
    if (!isFixed) refuse(frame, 'is a container, which Python accepts neither as a key nor in a set')
    const same = asPython(key)
    if (others.has(same)) refuse(frame, 'is the same as another one for Python')
    others.add(same)
    this.member(key, frame)
  }

  /** Writes bytes as text of the same characters, because protocol 2 has no bytes. */
  #binary(bytes: Uint8Array): void {
    this.put('c_codecs\nencode\n')
    this.#text(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1'))
    this.#text('latin1')
    this.put('\x86R')
  }

  #date(date: Date, frame: Frame | undefined): void {
    const [year, micros] = [date.getUTCFullYear(), date.getUTCMilliseconds() * 1000]
    if (!(year >= 1 && year <= 9999)) refuse(frame, 'is a Date that Python cannot hold: its years are 1 to 9999')
    const day = [year >> 8, year & 255, date.getUTCMonth() + 1, date.getUTCDate()]
    const time = [date.getUTCHours(), date.getUTCMinutes(), date.getUTCSeconds()]
    this.put('cdatetime\ndatetime\n')
    this.#binary(Uint8Array.from([...day, ...time, micros >> 16, (micros >> 8) & 255, micros & 255]))
    this.put('cdatetime\ntimezone\ncdatetime\ntimedelta\nK\0K\0K\0\x87R\x85R\x86R')
  }
}

function checkClass(container: object, name: 'Array' | 'Object' | 'Map' | 'Set', frame: Frame): void {
  const prototype: object | null = Object.getPrototypeOf(container)
  const expected = globalThis[name].prototype
  if (prototype === expected || (name === 'Object' && prototype === null)) return
  if (prototype !== null && isForeignPrototype(prototype, name)) return
  refuse(
    frame.parent,
    `is an instance of ${classNameOf(container)}, which is not plain data. Store a plain value instead`,
  )
}

function asPython(key: unknown): unknown {
  if (typeof key === 'boolean') return Number(key)
  if (key instanceof Date) return `date ${key.getTime()}`
  if (key instanceof Uint8Array) return `bytes ${Buffer.from(key).toString('latin1')}`
  if (typeof key === 'string') return `text ${key}`
  return typeof key === 'bigint' && BigInt(Number(key)) === key ? Number(key) : key
}

/** Encodes UTF-8 with each lone surrogate as three bytes, as Python does. */
function withHalves(text: string): Buffer {
  const parts: Buffer[] = []
  let from = 0
  for (const { index } of text.matchAll(HALVES)) {
    const half = text.charCodeAt(index)
    parts.push(Buffer.from(text.slice(from, index)), Buffer.of(0xed, 0x80 | ((half >> 6) & 0x3f), 0x80 | (half & 0x3f)))
    from = index + 1
  }
  return Buffer.concat([...parts, Buffer.from(text.slice(from))])
}

/** Least significant byte first, with room for the sign. */
function twosComplement(value: bigint): Buffer {
  const size = Math.ceil((value < 0n ? -value : value).toString(16).length / 2) + 1
  const unsigned = value < 0n ? value + (1n << BigInt(8 * size)) : value
  return Buffer.from(unsigned.toString(16).padStart(2 * size, '0'), 'hex').reverse()
}
