import { DecodingError } from '../../errors/errors.js'
import { MAX_DIGITS } from '../walk.js'
import { call, globalNamed } from './globals.js'
import { Node, OldString } from './nodes.js'
import { integer, narrowed, Reader, utf8 } from './reader.js'
import { oldText, rawUnicode } from './text.js'

/** The mark on the stack: the items above it belong together. */
const MARK = Symbol('mark')

type Operation = (machine: Machine) => void

/** The operations of protocols 0 to 5 that plain data needs, by their bytes. None of them runs code. */
const OPERATIONS = new Map<number, Operation>()

function on(character: string, operation: Operation): void {
  OPERATIONS.set(character.charCodeAt(0), operation)
}

/**
 * Reads a pickle, which is a program for a stack machine. Only the part that builds data is implemented: it imports nothing and calls
 * nothing of Python. Each byte makes at most one step, and the number of bytes limits how much the steps copy.
 */
export class Machine {
  readonly reader: Reader
  readonly stack: unknown[] = []
  readonly memo = new Map<number, unknown>()
  /** How much was copied, for tests of the cost. */
  copied = 0

  constructor(bytes: Buffer) {
    this.reader = new Reader(bytes)
  }

  /** Returns what the pickle builds: primitives, Dates, bytes and nodes. @throws DecodingError */
  run(): unknown {
    for (;;) {
      const byte = this.reader.byte()
      if (byte === STOP) break
      const operation = OPERATIONS.get(byte)
      if (operation === undefined) throw this.reader.damaged(REFUSED)
      operation(this)
    }
    const value = this.pop()
    if (this.stack.length > 0 || this.reader.position < this.reader.length)
      throw this.reader.damaged('continues after its end')
    return value
  }

  readonly spend = (steps: number): void => {
    this.copied += steps
    // Up to protocol 2 Python writes a bytearray as text, which is copied to bytes and then to the bytearray.
    if (this.copied > 2 * this.reader.length) throw this.reader.damaged('uses one part of it for many values')
  }

  push(value: unknown): void {
    this.stack.push(value)
  }

  pop(): unknown {
    if (this.stack.length === 0 || this.stack.at(-1) === MARK) throw this.reader.damaged('takes more than it has')
    return this.stack.pop()
  }

  top(): unknown {
    if (this.stack.length === 0 || this.stack.at(-1) === MARK) throw this.reader.damaged('takes more than it has')
    return this.stack.at(-1)
  }

  /** Returns the topmost node, to which members are added. */
  node(...kinds: Node['kind'][]): Node {
    const top = this.top()
    if (!(top instanceof Node) || !kinds.includes(top.kind) || top.used)
      throw this.reader.damaged('adds members to what takes none')
    return top
  }

  /** Removes the mark and returns the items above it. */
  marked(): unknown[] {
    const items: unknown[] = []
    while (this.stack.length > 0) {
      const item = this.stack.pop()
      if (item === MARK) return items.reverse()
      items.push(item)
    }
    throw this.reader.damaged('takes more than it has')
  }

  pairs(): unknown[] {
    const items = this.marked()
    if (items.length % 2 !== 0) throw this.reader.damaged('has a key without a value')
    return items
  }

  get(index: number): void {
    if (!this.memo.has(index)) throw this.reader.damaged('refers to what it does not have')
    this.push(this.memo.get(index))
  }

  put(index: number): void {
    this.memo.set(index, this.top())
  }

  /** Returns a whole number from text with a bounded number of digits. */
  digits(line: string): bigint {
    if (!/^[+-]?\d+$/.test(line)) throw this.reader.damaged('has an invalid number')
    if (line.length > MAX_DIGITS) throw this.reader.damaged(`has a number of more than ${MAX_DIGITS} digits`)
    return BigInt(line.replace('+', ''))
  }

  index(): number {
    return Number(this.digits(this.reader.line()))
  }

  text(bytes: Buffer): void {
    const text = utf8(bytes)
    if (text === undefined) throw this.reader.damaged('has text that is not UTF-8')
    this.push(text)
  }

  bytes(bytes: Buffer): void {
    this.push(Uint8Array.from(bytes))
  }

  global(module: unknown, name: unknown): void {
    const found = globalNamed(module, name)
    if (found === undefined) throw this.reader.damaged(REFUSED)
    this.push(found)
  }

  reduce(): void {
    const args = this.pop()
    const made = call(this.pop(), args, this.spend)
    if (made === undefined) throw this.reader.damaged('has an object of a known class with unknown content')
    this.push(made)
  }

  float(line: string): number {
    const text = line.trim()
    if (/^[+-]?(inf|nan)/i.test(text))
      return /nan/i.test(text) ? Number.NaN : text.startsWith('-') ? -Infinity : Infinity
    const value = Number(text)
    if (text === '' || Number.isNaN(value)) throw this.reader.damaged('has an invalid number')
    return value
  }
}

const STOP = '.'.charCodeAt(0)

const REFUSED =
  'holds more than plain data, such as an instance of a class: PickleEncoding imports nothing and runs nothing'

on('\x80', it => {
  if (it.reader.byte() > 5) throw new DecodingError('The stored pickle is of a protocol beyond 5')
})
// A frame only says how many bytes can be read together.
on('\x95', it => void it.reader.take(8))

on('(', it => it.push(MARK))
on('0', it => {
  // The operation may also remove a mark.
  if (it.stack.length === 0) throw it.reader.damaged('takes more than it has')
  it.stack.pop()
})
on('1', it => void it.marked())
on('2', it => it.push(it.top()))

on('p', it => it.put(it.index()))
on('q', it => it.put(it.reader.byte()))
on('r', it => it.put(it.reader.unsigned(4)))
on('\x94', it => it.put(it.memo.size))
on('g', it => it.get(it.index()))
on('h', it => it.get(it.reader.byte()))
on('j', it => it.get(it.reader.unsigned(4)))

on('N', it => it.push(null))
on('\x88', it => it.push(true))
on('\x89', it => it.push(false))
on('I', it => {
  const line = it.reader.line()
  it.push(line === '01' ? true : line === '00' ? false : narrowed(it.digits(line)))
})
on('L', it => it.push(narrowed(it.digits(it.reader.line().replace(/L$/, '')))))
on('F', it => it.push(it.float(it.reader.line())))
on('J', it => it.push(it.reader.int32()))
on('K', it => it.push(it.reader.byte()))
on('M', it => it.push(it.reader.unsigned(2)))
on('\x8a', it => it.push(integer(it.reader.counted(1))))
on('\x8b', it => it.push(integer(it.reader.counted(4))))
on('G', it => it.push(it.reader.float()))

on('V', it => it.push(rawUnicode(it.reader.line())))
on('X', it => it.text(it.reader.counted(4)))
on('\x8c', it => it.text(it.reader.counted(1)))
on('\x8d', it => it.text(it.reader.counted(8)))
on('S', it => {
  const text = oldText(it.reader.line())
  if (text === undefined) throw it.reader.damaged('has text that is not quoted')
  it.push(new OldString(text))
})
on('T', it => it.push(new OldString(it.reader.counted(4))))
on('U', it => it.push(new OldString(it.reader.counted(1))))
on('B', it => it.bytes(it.reader.counted(4)))
on('C', it => it.bytes(it.reader.counted(1)))
on('\x8e', it => it.bytes(it.reader.counted(8)))
on('\x96', it => it.bytes(it.reader.counted(8)))

on(')', it => it.push(new Node('tuple')))
on('t', it => it.push(new Node('tuple', it.marked())))
for (const [at, character] of ['\x85', '\x86', '\x87'].entries()) {
  on(character, it => {
    const items = Array.from({ length: at + 1 }, () => it.pop())
    it.push(new Node('tuple', items.reverse()))
  })
}
on(']', it => it.push(new Node('list')))
on('l', it => it.push(new Node('list', it.marked())))
on('a', it => {
  const item = it.pop()
  it.node('list').items.push(item)
})
on('e', it => addAll(it, it.marked(), 'list'))
on('}', it => it.push(new Node('dict')))
on('d', it => it.push(new Node('dict', it.pairs())))
on('s', it => {
  const value = it.pop()
  const key = it.pop()
  it.node('dict').items.push(key, value)
})
on('u', it => addAll(it, it.pairs(), 'dict'))
on('\x8f', it => it.push(new Node('set')))
on('\x90', it => addAll(it, it.marked(), 'set'))
on('\x91', it => it.push(new Node('frozenset', it.marked())))

on('c', it => it.global(it.reader.line(), it.reader.line()))
on('\x93', it => {
  const name = it.pop()
  it.global(it.pop(), name)
})
on('R', it => it.reduce())

function addAll(it: Machine, items: unknown[], kind: Node['kind']): void {
  const node = it.node(kind)
  for (const item of items) node.items.push(item)
}
