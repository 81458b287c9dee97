import fc from 'fast-check'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { Frames, RECORD_LIMIT } from '../../src/backends/zookeeper/client/frames.js'
import { Input, Output } from '../../src/backends/zookeeper/client/jute.js'
import {
  isAboutChildren,
  readChildren,
  readConnectReply,
  readMulti,
  readStat,
  readZnode,
  readZnodes,
} from '../../src/backends/zookeeper/client/packets.js'
import { Violation } from '../../src/backends/zookeeper/client/violation.js'
import { toChildren, toResults, toStat, toZnode } from '../../src/backends/zookeeper/client-replies.js'
import { formatCommitId, parseCommitId } from '../../src/backends/zookeeper/commit-id.js'
import {
  addChange,
  formatHead,
  formatPart,
  newHead,
  parseHead,
  parsePart,
  pastSince,
  versionOf,
} from '../../src/backends/zookeeper/head.js'
import { parseEntryName } from '../../src/backends/zookeeper/history-entry-name.js'
import { parseFolderName } from '../../src/backends/zookeeper/history-folders.js'
import { formatEntry, parseEntry } from '../../src/backends/zookeeper/history-record.js'
import { formatRecord, parseRecord } from '../../src/backends/zookeeper/log-record.js'
import { escapeKey, unescapeKey } from '../../src/backends/zookeeper/names.js'
import {
  formatRegistryRecord,
  formatRegistryState,
  parseRegistryRecord,
  parseRegistryState,
  unregisteredOf,
} from '../../src/backends/zookeeper/registry-record.js'
import { fromData, TOO_LONG } from '../../src/backends/zookeeper/stored.js'
import { Refusal, type Step } from '../../src/backends/zookeeper/transport.js'
import { DamagedValue } from '../../src/contract/damaged-value.js'
import { UnsupportedError } from '../../src/index.js'

afterEach(() => void vi.restoreAllMocks())

/** The records, and how many bytes were allocated for them. */
function framesOf(chunks: readonly Buffer[]) {
  const records: Buffer[] = []
  const skipped: number[] = []
  const frames = new Frames(
    record => records.push(Buffer.from(record)),
    (_, length) => skipped.push(length),
  )
  const allocate = vi.spyOn(Buffer, 'allocUnsafe')
  for (const chunk of chunks) frames.push(chunk)
  const allocated = allocate.mock.calls.reduce((sum, [size]) => sum + size, 0)
  allocate.mockRestore()
  return { records, skipped, allocated }
}

function framed(record: Uint8Array): Buffer {
  const length = Buffer.alloc(4)
  length.writeInt32BE(record.length)
  return Buffer.concat([length, record])
}

function split(bytes: Buffer, sizes: readonly number[]): Buffer[] {
  const chunks: Buffer[] = []
  for (let at = 0, n = 0; at < bytes.length; n += 1) {
    const size = sizes[n % sizes.length] as number
    chunks.push(bytes.subarray(at, at + size))
    at += size
  }
  return chunks
}

describe('frames', () => {
  test('arrive as they were sent, however they are split, at a cost linear in the bytes received', () => {
    const records = fc.array(fc.uint8Array({ maxLength: 400 }), { maxLength: 8 })
    const sizes = fc.array(fc.integer({ min: 1, max: 300 }), { minLength: 1, maxLength: 5 })
    fc.assert(
      fc.property(records, sizes, (list, cuts) => {
        const bytes = Buffer.concat(list.map(framed))
        const { records: read, allocated } = framesOf(split(bytes, cuts))
        expect(read.map(one => Uint8Array.from(one))).toEqual(list)
        expect(allocated).toBeLessThanOrEqual(4 * bytes.length)
      }),
      { numRuns: 200 },
    )
  })

  test('of a long record that arrives byte by byte use at most four times their length', () => {
    const bytes = framed(Buffer.alloc(2 ** 18, 7))
    const { records, allocated } = framesOf(split(bytes, [1]))
    expect(records[0]?.length).toBe(2 ** 18)
    expect(allocated).toBeLessThanOrEqual(4 * bytes.length)
  })

  test('reserve nothing for a length that was only announced', () => {
    const { records, allocated } = framesOf([Buffer.from([0, 0x3f, 0xff, 0xff, 1, 2, 3])])
    expect(records).toEqual([])
    expect(allocated).toBeLessThan(100)
  })

  test('that are too long are skipped, and what follows is read', () => {
    const long = framed(Buffer.alloc(RECORD_LIMIT + 1, 1))
    const next = framed(Buffer.of(1, 2, 3))
    for (const sizes of [[long.length + next.length], [65_536], [7, 100_000]]) {
      const { records, skipped, allocated } = framesOf(split(Buffer.concat([long, next]), sizes))
      expect(skipped).toEqual([RECORD_LIMIT + 1])
      expect(records).toEqual([Buffer.of(1, 2, 3)])
      expect(allocated).toBeLessThan(100)
    }
  })

  test('with an impossible length are rejected', () => {
    for (const length of [-1, -(2 ** 31), 2 ** 31 - 1]) {
      const bytes = Buffer.alloc(4)
      bytes.writeInt32BE(length)
      expect(() => framesOf([bytes])).toThrow(Violation)
    }
  })
})

/** Counts how often a record is read from. */
class CountingInput extends Input {
  steps = 0
  override int(): number {
    this.steps += 1
    return super.int()
  }
  override long(): bigint {
    this.steps += 1
    return super.long()
  }
  override bool(): boolean {
    this.steps += 1
    return super.bool()
  }
}

const stat = (output: Output) =>
  output.long(1n).long(2n).long(3n).long(4n).int(5).int(6).int(7).long(0n).int(8).int(9).long(10n)

const STEPS: readonly Step[] = [
  { type: 'set', path: '/a', data: Buffer.alloc(0), version: 1 },
  { type: 'check', path: '/b', version: -1 },
  { type: 'create', path: '/c', data: Buffer.alloc(0) },
]

function body(write: (output: Output) => unknown): Buffer {
  const output = new Output()
  write(output)
  return output.frame().subarray(4)
}

/** Each parser of server responses, with a record that it accepts. */
const PACKETS: Record<string, [read: (input: Input) => unknown, record: Buffer]> = {
  stat: [readStat, body(stat)],
  znode: [readZnode, body(output => stat(output.bytes(Buffer.from('data'))))],
  children: [readChildren, body(output => stat(output.int(2).text('a').text('bc')))],
  'list of znodes': [
    input => readZnodes(input, 3),
    body(output => {
      stat(output.int(4).bool(false).int(0).bytes(Buffer.from('data')))
      output.int(-1).bool(false).int(-101).int(-101)
      stat(output.int(4).bool(false).int(0).int(-1)).int(-1).bool(true).int(-1)
    }),
  ],
  greeting: [readConnectReply, body(output => output.int(0).int(900).long(7n).bytes(Buffer.alloc(16, 1)))],
  event: [isAboutChildren, body(output => output.int(4).int(3).text('/app'))],
  transaction: [
    input => readMulti(input, STEPS),
    body(output => {
      stat(output.int(5).bool(false).int(0))
      output.int(13).bool(false).int(0).int(1).bool(false).int(0).text('/c').int(-1).bool(true).int(-1)
    }),
  ],
}

function steps(read: (input: Input) => unknown, record: Buffer): number {
  const input = new CountingInput(record)
  try {
    read(input)
  } catch (error) {
    if (!(error instanceof RangeError || error instanceof Refusal)) throw error
  }
  return input.steps
}

const INTS = [-1, -2, 0, 1, 2, 255, 65_536, 2 ** 20, 2 ** 31 - 1, -(2 ** 31)]

describe.each(Object.entries(PACKETS))('a %s that a server sends', (_, [read, record]) => {
  /** A step reads at least one byte, and a few steps follow the end. */
  const limit = (bytes: number) => bytes + 4

  test('is read', () => {
    expect(() => read(new Input(record))).not.toThrow()
  })

  test('with any number in any place is read or rejected in at most one step per byte', () => {
    for (let at = 0; at + 4 <= record.length; at += 1) {
      for (const value of INTS) {
        const mutated = Buffer.from(record)
        mutated.writeInt32BE(value, at)
        expect(steps(read, mutated)).toBeLessThanOrEqual(limit(record.length))
      }
    }
  })

  test('that is cut off or otherwise malformed is read or rejected in at most one step per byte', () => {
    for (let end = 0; end < record.length; end += 1)
      expect(steps(read, record.subarray(0, end))).toBeLessThan(limit(end))
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), fc.nat(record.length), (bytes, at) => {
        const mixed = Buffer.concat([record.subarray(0, at), bytes, record.subarray(at)])
        expect(steps(read, mixed)).toBeLessThanOrEqual(limit(mixed.length))
        expect(steps(read, Buffer.from(bytes))).toBeLessThanOrEqual(limit(bytes.length))
      }),
      { numRuns: 300 },
    )
  })
})

test('a list of children that announces more than it contains is rejected before anything is allocated', () => {
  const from = vi.spyOn(Array, 'from')
  for (const count of [2, 1_000_000, 2 ** 31 - 1, -2]) {
    expect(() => readChildren(new Input(body(output => output.int(count).text('a'))))).toThrow(RangeError)
  }
  expect(from).not.toHaveBeenCalled()
})

test('results of a transaction that do not match its steps are rejected', () => {
  const results = (...list: [type: number, done: boolean, code?: number][]) =>
    body(output => {
      for (const [type, done, code] of list) {
        output.int(type).bool(done).int(-1)
        if (code !== undefined) output.int(code)
      }
    })
  const END = [-1, true] as [number, boolean]
  const two: Pick<Step, 'type'>[] = [{ type: 'check' }, { type: 'delete' }]
  expect(readMulti(new Input(results([13, false], [2, false], END)), two)).toEqual([undefined, undefined])
  for (const bad of [
    results([13, false], END),
    results([13, false], [13, false], END),
    results([13, false], [2, false], [2, false], END),
    results([-1, false, 0], [-1, false, 0], END),
    results([13, false], [-1, false, 0], END),
  ]) {
    expect(() => readMulti(new Input(bad), two)).toThrow(RangeError)
  }
})

describe('replies of node-zookeeper-client of an unexpected shape', () => {
  const good = {
    czxid: Buffer.alloc(8),
    mzxid: Buffer.alloc(8),
    ctime: Buffer.alloc(8),
    mtime: Buffer.alloc(8),
    version: 1,
    cversion: 2,
  }

  test('are rejected with a message that shows their shape, not their contents', () => {
    expect(toStat(good)).toEqual({ czxid: 0n, mzxid: 0n, ctime: 0, mtime: 0, version: 1, cversion: 2 })
    for (const bad of [null, undefined, 7, {}, [], { ...good, mzxid: 1n }, { ...good, mzxid: Buffer.alloc(7) }]) {
      expect(() => toStat(bad)).toThrow('unexpected shape')
    }
    for (const [member, value] of [
      ['version', '1'],
      ['cversion', Number.NaN],
    ] as const) {
      expect(() => toStat({ ...good, [member]: value })).toThrow('unexpected shape')
    }
    for (const data of ['text', [1], {}]) expect(() => toZnode(data, good)).toThrow('unexpected shape')
    for (const names of [null, 'a', {}, ['a', 7]]) expect(() => toChildren(names, good)).toThrow('unexpected shape')
    for (const results of [undefined, [], [{}, {}, {}, {}], [{ stat: {} }, {}, {}]]) {
      expect(() => toResults(results, STEPS)).toThrow('unexpected shape')
    }
    expect(() => toStat({ secret: 'password' })).not.toThrow('password')
    expect(toResults([{ stat: good }, {}, {}], STEPS)[0]).toMatchObject({ version: 1 })
  })
})

const key = fc.string({ unit: 'binary', minLength: 1, maxLength: 8 }).filter(text => text.isWellFormed())
const effect = fc.oneof(
  fc.record({ type: fc.constant('set' as const), key, stored: key }),
  fc.record({ type: fc.constant('delete' as const), key }),
  fc.constant({ type: 'clear' as const }),
)
const anyText = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.constantFrom('s', 'd', 'r', 'c', 'x.0', '\ud800', '__proto__'),
)

describe('a record of the change log', () => {
  test('is read as it was written', () => {
    fc.assert(
      fc.property(fc.array(effect), effects => {
        expect(parseRecord(formatRecord('a.0', effects, true))).toEqual({ id: 'a.0', effects })
      }),
      { numRuns: 200 },
    )
  })

  test.each([
    ...[
      '',
      '7',
      'null',
      '{}',
      '[]',
      '[7]',
      '["x"]',
      '["x.0","d"]',
      '["x.0","d",""]',
      '["x.0","r",""]',
      '["x.0","s","a"]',
    ],
    ...['["x.0","d","\\ud800"]', '["x.0","s","a","\\udfff"]', '["x.0","d",7]', '["x.0","q","a"]', '["x.0","toString"]'],
    ...[
      `["x.0","d","${'k'.repeat(513)}"]`,
      '["x.0","c"',
      '["x.0",["c"]]',
      '["\\n.0","c"]',
      `["${'x'.repeat(201)}.0","c"]`,
    ],
  ])('is rejected: %s', line => {
    expect(parseRecord(line)).toBeUndefined()
  })

  test('of any other content is rejected, unless it could have been written', () => {
    const lists = fc.array(
      fc.oneof(
        anyText,
        fc.jsonValue(),
        effect.map(one => JSON.stringify(one)),
      ),
    )
    const mutated = fc.tuple(fc.array(effect), fc.nat(), anyText).map(([effects, at, text]) => {
      const line = formatRecord('a.0', effects, true)
      const place = at % (line.length + 1)
      return line.slice(0, place) + text + line.slice(place)
    })
    fc.assert(
      fc.property(
        fc.oneof(
          lists.map(list => JSON.stringify(['x.0', ...list])),
          mutated,
          fc.string(),
        ),
        line => {
          const record = parseRecord(line)
          if (!record) return
          for (const one of record.effects) {
            if (one.type !== 'clear') expect(unescapeKey(escapeKey(one.key))).toBe(one.key)
            if (one.type === 'set' && one.stored !== undefined) expect((one.stored as string).isWellFormed()).toBe(true)
          }
        },
      ),
      { numRuns: 500 },
    )
  })
})

/** The head, unless it is malformed, or says that a later release wrote it. */
function parsedHead(data: Buffer) {
  try {
    return parseHead(data, 'd')
  } catch (error) {
    expect(error).toBeInstanceOf(UnsupportedError)
    return undefined
  }
}

describe('a head and an earlier part of the log', () => {
  const first = newHead(0, 2)
  const head = ['a', 'b', 'c'].reduce(
    (before, id) => addChange(before, `${id}.0`, [{ type: 'set', key: id, stored: id }], 2, { acknowledge: true }).head,
    first,
  )
  const part = { epoch: head.epoch, number: 3, base: first.id, log: head.log }

  test('with any byte changed, added or removed are rejected, or report changes that can be followed', () => {
    const data = [formatHead(head), formatPart(part)]
    fc.assert(
      fc.property(
        fc.constantFrom(...data),
        fc.nat(),
        fc.uint8Array({ maxLength: 4 }),
        fc.nat(4),
        (bytes, at, more, less) => {
          const place = at % bytes.length
          const mutated = Buffer.concat([bytes.subarray(0, place), more, bytes.subarray(place + less)])
          parsePart(mutated)
          const read = parsedHead(mutated)
          if (!read) return
          const past = pastSince(read, versionOf(first))
          if ('changes' in past)
            for (const { effects } of past.changes) for (const one of effects) expect(one).toBeDefined()
          const next = addChange(read, 'next.0', [{ type: 'delete', key: 'a' }], 2).head
          expect(parseHead(formatHead(next), 'd')).toEqual(next)
        },
      ),
      { numRuns: 1_000 },
    )
  })

  test('are parsed by line: one for a head, and for changes their own and the one before', () => {
    const long = { ...head, number: 10_000, log: Array.from({ length: 10_000 }, (_, n) => `["n${n}.0","d","a"]`) }
    const data = formatHead({ ...long, id: 'n9999.0' })
    const parse = vi.spyOn(JSON, 'parse')
    const read = parseHead(data, 'd')
    expect(parse).toHaveBeenCalledTimes(1)
    const past = read && pastSince(read, versionOf({ ...long, number: 9_990, id: 'n9989.0' }))
    expect(past).toMatchObject({ changes: { length: 10 } })
    expect(parse).toHaveBeenCalledTimes(1 + 10 + 1)
  })
})

const said = fc.record(
  {
    id: fc.stringMatching(/^[A-Za-z0-9_-]{1,64}$/),
    host: fc.string({ unit: 'binary', maxLength: 20 }).filter(text => text.isWellFormed()),
    pid: fc.nat(),
    service: fc.string({ unit: 'binary', maxLength: 20 }).filter(text => text.isWellFormed()),
    library: fc.string(),
    bound: fc.integer({ min: 0, max: 86_400_000 }),
    live: fc.boolean(),
    version: fc.string(),
  },
  { requiredKeys: ['id', 'host', 'pid', 'library', 'live'] },
)
const replica = fc.record({ presence: said, ttl: fc.integer({ min: 1, max: 600_000 }) })
const bytes = fc.oneof(
  fc.uint8Array({ maxLength: 6 }),
  fc.jsonValue().map(value => Buffer.from(JSON.stringify(value))),
)

/** The data with some bytes in place of others. */
function spliced(data: Buffer, at: number, more: Uint8Array, less: number): Buffer {
  const place = at % (data.length + 1)
  return Buffer.concat([data.subarray(0, place), more, data.subarray(place + less)])
}

describe('a record of the registry', () => {
  test('is read as it was written', () => {
    fc.assert(
      fc.property(replica, one => {
        expect(parseRegistryRecord(one.presence.id, formatRegistryRecord(one))).toEqual(one)
      }),
    )
  })

  test('of any other content is rejected, or is one that could have been written', () => {
    fc.assert(
      fc.property(replica, fc.nat(), bytes, fc.nat(60), (one, at, more, less) => {
        const read = parseRegistryRecord(one.presence.id, spliced(formatRegistryRecord(one), at, more, less))
        if (!read) return
        const again = parseRegistryRecord(read.presence.id, formatRegistryRecord(read))
        expect(again && formatRegistryRecord(again)).toEqual(formatRegistryRecord(read))
        expect(read.ttl).toBeLessThanOrEqual(86_400_000)
        expect(read.presence.bound ?? 0).toBeLessThanOrEqual(86_400_000)
      }),
      { numRuns: 1_000 },
    )
  })

  test('above all others, of any content, never makes the recorded bound smaller', () => {
    const states = fc.record({ covered: fc.nat(86_400_000), unregistered: fc.nat(86_400_000) })
    fc.assert(
      fc.property(states, fc.nat(86_400_000), fc.nat(), bytes, fc.nat(20), (state, bound, at, more, less) => {
        const read = parseRegistryState(spliced(formatRegistryState(state), at, more, less))
        const known = Math.max(read?.covered ?? 0, unregisteredOf(bound, read))
        expect(known).toBeGreaterThanOrEqual(bound)
      }),
      { numRuns: 500 },
    )
  })
})

describe('a znode of the history', () => {
  test('whose name is not a name of a transaction is ignored, and a name announces no more than its size allows', () => {
    const parts = fc.tuple(fc.bigInt({ min: 0n, max: 10n ** 17n }), fc.nat(10 ** 9), fc.nat(10 ** 6), fc.string())
    const name = parts.map(([first, count, kib, rest]) =>
      [String(first).padStart(10, '0'), count, `${kib}${rest}`].join('.'),
    )
    fc.assert(
      fc.property(fc.oneof(name, fc.string()), one => {
        const read = parseEntryName(one)
        if (!read) return
        expect(read.count).toBeLessThanOrEqual(80 * read.kib)
        expect(read.first + read.count).toBeLessThanOrEqual(2 ** 50)
        expect(parseFolderName(one)).toBeUndefined()
      }),
      { numRuns: 1_000 },
    )
  })

  test('with any byte changed, added or removed is rejected, or has commits of valid keys', () => {
    const changes = [{ key: 'a', before: 'x', after: new Uint8Array([1]) }, { key: 'b' }]
    const commits = [
      { position: 7, by: 'ada', reason: 'why', changes },
      { position: 8, changes: undefined },
    ]
    const data = formatEntry({ epoch: 'ab12', version: '3-ab12-x.0', commits }, 10_000)
    expect(parseEntry(data)?.commits).toEqual(commits)
    fc.assert(
      fc.property(fc.nat(), bytes, fc.nat(10), (at, more, less) => {
        for (const commit of parseEntry(spliced(data, at, more, less))?.commits ?? []) {
          expect(Number.isSafeInteger(commit.position)).toBe(true)
          for (const { key } of commit.changes ?? []) expect(unescapeKey(escapeKey(key))).toBe(key)
        }
      }),
      { numRuns: 1_000 },
    )
  })

  test('is not found by an id of another form', () => {
    const id = formatCommitId(7, 'ab12', '3-ab12-x.0')
    expect(parseCommitId(id)).toMatchObject({ position: 7, epoch: 'ab12' })
    fc.assert(
      fc.property(fc.string(), fc.nat(), fc.nat(3), (more, at, less) => {
        const place = at % (id.length + 1)
        const read = parseCommitId(id.slice(0, place) + more + id.slice(place + less))
        if (read) expect(read.epoch).toMatch(/^[0-9a-f]+$/)
      }),
    )
  })
})

test("a znode's name is a key only if that key has this name", () => {
  const names = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 12 }),
    fc
      .array(fc.oneof(fc.constantFrom('%', '%2F', '%61', '%c3', '%C3%A9', '%ED%A0%80', '%25', '.', '/'), fc.string()))
      .map(list => list.join('')),
  )
  fc.assert(
    fc.property(names, name => {
      const found = unescapeKey(name)
      if (found !== undefined) expect(escapeKey(found)).toBe(name)
    }),
    { numRuns: 2_000 },
  )
})

test('a value that is too long to be read counts as damaged', () => {
  expect(fromData(TOO_LONG)).toBeInstanceOf(DamagedValue)
  expect(fromData(Buffer.of(0xff))).toEqual(new Uint8Array())
})
