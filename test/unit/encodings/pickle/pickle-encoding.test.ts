import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { inspect, isDeepStrictEqual } from 'node:util'
import { runInNewContext } from 'node:vm'
import fc from 'fast-check'
import { describe, expect, test, vi } from 'vitest'
import { Builder } from '../../../../src/encodings/pickle/build.js'
import { Machine } from '../../../../src/encodings/pickle/machine.js'
import { PickleEncoding } from '../../../../src/encodings/pickle-encoding.js'
import { DecodingError, EncodingError } from '../../../../src/errors/errors.js'
import { MemoryDict, MemoryStore, RichEncoding } from '../../../../src/index.js'

interface Vector {
  readonly name: string
  readonly protocol: number
  readonly pickle: string
  /** The JavaScript equivalent of each value, or none if it must be rejected. */
  readonly expected?: string
}

const encoding = new PickleEncoding()
const script = fileURLToPath(new URL('./vectors.py', import.meta.url))
const committed: Vector[] = JSON.parse(readFileSync(new URL('./vectors.json', import.meta.url), 'utf8'))
const python = runPython(['-c', 'import sys; assert sys.version_info >= (3, 8)']) !== undefined

function runPython(args: string[], input = ''): string | undefined {
  try {
    return execFileSync('python3', args, { input, encoding: 'utf8', stdio: ['pipe', 'pipe', 'pipe'], maxBuffer: 1e8 })
  } catch {
    return undefined
  }
}

function expectedOf(expression: string): unknown {
  return runInNewContext(`(${expression})`, { Date, Map, Set, Uint8Array, Array, Object, JSON })
}

/** Objects from the context in which the expression was evaluated have other prototypes. */
function same(actual: unknown, expected: unknown): boolean {
  return isDeepStrictEqual(structuredClone(actual), structuredClone(expected))
}

function expectRead({ name, protocol, pickle, expected }: Vector): void {
  if (expected === undefined) expect(() => encoding.decode(pickle), `${name}, ${protocol}`).toThrow(DecodingError)
  else
    expect(
      same(encoding.decode(pickle), expectedOf(expected)),
      `${name}, protocol ${protocol}: ${inspect(encoding.decode(pickle))}`,
    ).toBe(true)
}

describe('reads what Python wrote:', () => {
  const names = [...new Set(committed.filter(each => each.expected !== undefined).map(each => each.name))]
  test.each(names)('%s, in every protocol', name => {
    for (const vector of committed.filter(each => each.name === name)) expectRead(vector)
  })

  test.skipIf(!python)("in today's Python, too", () => {
    const vectors: Vector[] = JSON.parse(runPython([script]) as string)
    expect(vectors.length).toBeGreaterThan(100)
    for (const vector of vectors) expectRead(vector)
  })

  test('with the line breaks of the Python library', () => {
    const { pickle } = committed.find(each => each.name === 'list' && each.protocol === 2) as Vector
    const lines = `${pickle.match(/.{1,76}/g)?.join('\n')}\n`
    expect(encoding.decode(lines)).toEqual(encoding.decode(pickle))
  })

  test('shared and cyclic references', () => {
    for (const { name, pickle } of committed) {
      if (name === 'shared') {
        const [one, two] = encoding.decode(pickle) as unknown[]
        expect(one).toBe(two)
      } else if (name === 'cyclic list') {
        const list = encoding.decode(pickle) as unknown[]
        expect(list[1]).toBe(list)
      }
    }
  })

  test('text of Python 2, as bytes if it is not UTF-8', () => {
    const python2 = "(dp0\nS'na\\xc3\\xafve'\np1\nS'\\xff\\x00'\np2\nsS'it\\'s'\np3\nI5\ns."
    expect(encoding.decode(Buffer.from(python2).toString('base64'))).toEqual({
      naïve: Uint8Array.of(255, 0),
      "it's": 5,
    })
    const protocol2 = Buffer.from('\x80\x02U\x04darkq\x00.', 'latin1').toString('base64')
    expect(encoding.decode(protocol2)).toBe('dark')
  })
})

describe('rejects anything but plain data:', () => {
  const names = [...new Set(committed.filter(each => each.expected === undefined).map(each => each.name))]
  test.each(names)('%s, in every protocol', name => {
    for (const vector of committed.filter(each => each.name === name)) expectRead(vector)
  })

  const programs = [
    'cos\nsystem\n(S"true"\ntR.',
    'c__builtin__\neval\n(S"1"\ntR.',
    'cbuiltins\ngetattr\n(cbuiltins\nset\nS"pop"\ntR.',
    '(ios\nsystem\n.',
    '(S"true"\nios\nsystem\n.',
    'ccopy_reg\n_reconstructor\n(cbuiltins\nset\ncbuiltins\nset\nNtR.',
    '\x80\x02c__builtin__\nset\n)\x81.',
    '\x80\x04\x8c\x02os\x8c\x06system\x93.',
    '\x80\x04\x8c\x08builtins\x8c\x0bset.__add__\x93.',
    'Pid\n.',
    'NQ.',
    '\x80\x02\x82\x01.',
    '\x80\x05\x97.',
    '\x80\x02}Nb.',
    'cbuiltins\nset\n.',
    'c__builtin__\nset\n(Ntc_codecs\nencode\n0R.',
  ]
  test.each(programs)('%j', program => {
    expect(() => encoding.decode(Buffer.from(program, 'latin1').toString('base64'))).toThrow(DecodingError)
  })
})

/** A pickle, by its bytes. */
const raw = (bytes: string) => Buffer.from(bytes, 'latin1')

describe('validates every byte:', () => {
  test.each([
    '',
    '.',
    '(',
    '(.',
    'N',
    'NN.',
    'N.N',
    '0.',
    '1.',
    '2.',
    '(2.',
    'h\0.',
    'g0\n.',
    'q\0.',
    '\x80\x06N.',
    '\x80',
    '\x95\0',
    'K',
    'J\0',
    'G\0',
    'I\n.',
    'Ix\n.',
    'L1',
    'Fx\n.',
    'F\n.',
    'a.',
    'Na.',
    '(e.',
    ']e.',
    '](N',
    '}s.',
    '}NNNu.',
    '}(Nu.',
    'X\xff\xff\xff\xff',
    'X\xff\xff\xff\x7fabc.',
    '\x8d\xff\xff\xff\xff\xff\xff\xff\xff.',
    '\x8e\xff\xff\xff\xff\xff\xff\xff\x7f.',
    '\x96\xff\xff\xff\xff\xff\xff\x1f\0.',
    'B\xff\xff\xff\xff.',
    'T\xff\xff\xff\xff.',
    '\x8b\xff\xff\xff\xff.',
    '\x8a\xff.',
    '\x8c\x01\xff.',
    'X\x02\0\0\0\xc3(.',
    'S"x\n.',
    'Sx\n.',
    'c',
    'cset\n',
    '\x93.',
    'R.',
    'NNR.',
    ']Na\x90.',
    'Ng99999999999999999999\n.',
    'cdatetime\ndate\nU\x04\x07\xe4\x0d\x01\x85R.',
    'cdatetime\ndate\nU\x04\0\0\x01\x01\x85R.',
    'cdatetime\ndate\nU\x04\x07\xe5\x02\x1d\x85R.',
    'cdatetime\ndatetime\nU\x0a\x07\xe4\x01\x01\x18\0\0\0\0\0\x85R.',
    'cdatetime\ntimedelta\n(NNNtR.',
    'cdecimal\nDecimal\nX\x03\0\0\0abc\x85R.',
  ])('%j', bytes => {
    const before = process.memoryUsage().rss
    expect(() => encoding.decode(raw(bytes).toString('base64'))).toThrow(DecodingError)
    expect(process.memoryUsage().rss - before).toBeLessThan(100_000_000)
  })

  test.each([' ', 'no base64!', 'A=A', '====', '{"a":1}', null, undefined, 1, Buffer.from('gAJLBS4=')])(
    '%s',
    stored => {
      expect(() => encoding.decode(stored as string)).toThrow(DecodingError)
    },
  )

  test.each<[string, string]>([
    ['lists', ']'.repeat(100_000) + 'a'.repeat(99_999)],
    ['tuples', `N${'\x85'.repeat(100_000)}`],
    ['dictionaries', `${'}N'.repeat(100_000)}N${'s'.repeat(100_000)}`],
    ['marks', `${'('.repeat(100_000)}${'t'.repeat(100_000)}`],
  ])('nesting of %s', (_what, bytes) => {
    expect(() => encoding.decode(raw(`${bytes}.`).toString('base64'))).toThrow(/500 levels/)
  })

  test('reveals nothing that is stored', () => {
    for (const bytes of ['Xhunter2', 'chunter2\nhunter2\n.', 'Ihunter2\n.', 'X\x07\0\0\0hunter2NN.', 'Shunter2\n.']) {
      try {
        encoding.decode(raw(bytes).toString('base64'))
        expect.unreachable()
      } catch (error) {
        expect(error).toBeInstanceOf(DecodingError)
        expect(inspect(error)).not.toContain('hunter2')
      }
    }
  })

  const amplified: [string, string][] = [
    ['one list for many sets', `]q\0(${'K\x01'.repeat(500)}e0]${'c__builtin__\nset\nh\0\x85Ra'.repeat(500)}.`],
    [
      'one text for many bytes',
      `X\x10\x27\0\0${'x'.repeat(10_000)}q\0]${'c_codecs\nencode\nh\0X\x06\0\0\0latin1\x86Ra'.repeat(500)}.`,
    ],
    [
      'bytes for many bytearrays',
      `B\x10\x27\0\0${'x'.repeat(10_000)}q\0]${'cbuiltins\nbytearray\nh\0\x85Ra'.repeat(500)}.`,
    ],
    [
      'one text for many decimals',
      `X\x10\x27\0\0${'1'.repeat(10_000)}q\0]${'cdecimal\nDecimal\nh\0\x85Ra'.repeat(500)}.`,
    ],
  ]
  test.each(amplified)('%s', (_what, bytes) => {
    const machine = new Machine(raw(bytes))
    expect(() => machine.run()).toThrow(DecodingError)
    expect(machine.copied).toBeLessThan(3 * bytes.length)
  })

  test('reads a Python 2 string once, however often the pickle refers to it', () => {
    const references = (bytes: string) => raw(`T\x10\x27\0\0${bytes.repeat(10_000)}q\0](${'h\0'.repeat(500)}e\x86.`)
    const decoded = vi.spyOn(TextDecoder.prototype, 'decode')
    const [, texts] = encoding.decode(references('x').toString('base64')) as [string, string[]]
    expect(texts).toEqual(Array(500).fill('x'.repeat(10_000)))
    const [, blobs] = encoding.decode(references('\xff').toString('base64')) as [string, Uint8Array[]]
    expect(new Set(blobs).size).toBe(1)
    expect(decoded.mock.calls.length).toBeLessThan(5)
    decoded.mockRestore()
  })

  test('reads nested lists of pairs in as many steps as there are references', () => {
    const pairs = Array.from({ length: 200 }, (_, n) => `j${le(n)}j${le(n)}\x86r${le(n + 1)}0`).join('')
    const builder = new Builder()
    const bytes = `]r${le(0)}0${pairs}j${le(200)}.`
    expect(builder.build(new Machine(raw(bytes)).run())).toHaveLength(2)
    expect(builder.steps).toBeLessThan(bytes.length)
  })

  test('mutated pickles decode to a value or throw a DecodingError', () => {
    const pickles = committed
      .filter(({ pickle }) => pickle.length < 2000)
      .map(({ pickle }) => Buffer.from(pickle, 'base64'))
    const mutation = fc.tuple(
      fc.constantFrom(...pickles),
      fc.array(fc.tuple(fc.nat(3000), fc.nat(255)), { minLength: 1, maxLength: 4 }),
    )
    let read = 0
    fc.assert(
      fc.property(mutation, ([pickle, changes]) => {
        const bytes = Buffer.from(pickle)
        for (const [at, byte] of changes) bytes[at % bytes.length] = byte
        try {
          const machine = new Machine(bytes)
          const builder = new Builder()
          builder.build(machine.run())
          expect(builder.steps + machine.copied).toBeLessThanOrEqual(4 * bytes.length)
          read++
        } catch (error) {
          if (!(error instanceof DecodingError)) throw error
        }
        expect('polluted' in {}).toBe(false)
      }),
      { numRuns: 3000 },
    )
    expect(read).toBeGreaterThan(100)
  })
})

function le(value: number): string {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32LE(value)
  return bytes.toString('latin1')
}

const shared = { a: 1 }
const cyclic: unknown[] = [1]
cyclic.push(cyclic, { cyclic })

/** Values that are read back as they were, and their Python equivalents. */
const KEPT: [unknown, string][] = [
  [null, 'None'],
  [[true, false], '[True, False]'],
  [[0, -1, 255, 2 ** 31, -(2 ** 31) - 1, 2 ** 53 - 1], '[0, -1, 255, 2147483648, -2147483649, 9007199254740991]'],
  [[2n ** 53n, -(2n ** 63n), 2n ** 64n], '[9007199254740992, -9223372036854775808, 18446744073709551616]'],
  [[0.5, -0, 2 ** 60, Infinity, -Infinity, NaN], '[0.5, -0.0, 1.152921504606847e+18, inf, -inf, nan]'],
  [['', 'it\'s "é" 😀', 'half \ud800!'], `['', 'it\\'s "\\xe9" \\U0001f600', 'half \\ud800!']`],
  [{ a: { b: [] }, '': {} }, "{'a': {'b': []}, '': {}}"],
  [JSON.parse('{"__proto__":1}'), "{'__proto__': 1}"],
  [[Uint8Array.of(), Uint8Array.of(0, 255)], "[b'', b'\\x00\\xff']"],
  [
    new Date('2020-02-29T23:59:58.123Z'),
    'datetime.datetime(2020, 2, 29, 23, 59, 58, 123000, tzinfo=datetime.timezone.utc)',
  ],
  [new Date('0001-01-01'), 'datetime.datetime(1, 1, 1, 0, 0, tzinfo=datetime.timezone.utc)'],
  [
    new Map<unknown, unknown>([
      [1, 'a'],
      [null, [2]],
    ]),
    "{1: 'a', None: [2]}",
  ],
  [new Set([5]), '{5}'],
  [[new Set(), new Set(['a'])], "[set(), {'a'}]"],
  [[shared, shared], "[{'a': 1}, {'a': 1}]"],
  [cyclic, "[1, [...], {'cyclic': [...]}]"],
]

describe('writes what Python reads', () => {
  test.each(KEPT.map(([value, repr]) => [repr, () => value] as const))('%s', (_repr, make) => {
    const value = make()
    const read = encoding.decode(encoding.encode(value))
    expect(isDeepStrictEqual(read, value)).toBe(true)
    if (Array.isArray(value) && value[0] === shared) expect((read as unknown[])[0]).toBe((read as unknown[])[1])
  })

  test.skipIf(!python)('Python, in one process', () => {
    const lines = KEPT.map(([value]) => encoding.encode(value)).join('\n')
    expect(runPython([script, 'check'], lines)?.trimEnd().split('\n')).toEqual(KEPT.map(([, repr]) => repr))
  })

  test('integers of any size', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: -(2n ** 5000n), max: 2n ** 5000n }), value => {
        const read = encoding.decode(encoding.encode(value)) as bigint | number
        expect(BigInt(read)).toBe(value)
      }),
      { numRuns: 300 },
    )
  })

  test('any plain data', () => {
    const text = fc.string({ unit: 'binary' })
    const leaf = fc.oneof(
      text,
      fc.double(),
      fc.integer(),
      fc.boolean(),
      fc.constant(null),
      fc.uint8Array(),
      fc.date({ min: new Date('0001-01-01'), max: new Date('9999-12-31'), noInvalidDate: true }),
    )
    const { value } = fc.letrec(tie => ({
      value: fc.oneof(
        { maxDepth: 4 },
        leaf,
        fc.array(tie('value'), { maxLength: 5 }),
        fc.dictionary(text, tie('value'), { maxKeys: 5, noNullPrototype: true }),
      ),
    }))
    fc.assert(
      fc.property(value, each => isDeepStrictEqual(encoding.decode(encoding.encode(each)), each)),
      { numRuns: 1000 },
    )
  })

  class Money {}
  test.each<[string, unknown, string]>([
    ['undefined inside', { a: { b: undefined } }, '.a.b is `undefined`'],
    ['a function', [() => 1], '[0] is a function'],
    ['a symbol', { a: Symbol('s') }, '.a is a symbol'],
    ['a symbol key', { a: { [Symbol('s')]: 1 } }, '.a has the symbol key'],
    ['a hole', { a: new Array(2) }, '.a[0] is a hole'],
    ['a named property of an array', { a: Object.assign([1], { x: 1 }) }, '.a.x is a named property'],
    ['an instance', { a: new Money() }, '.a is an instance of Money'],
    ['a RegExp', { a: /x/ }, '.a is an instance of RegExp'],
    ['an Error', { a: new Error('x') }, '.a is an instance of Error'],
    ['a wide typed array', { a: new Float64Array(1) }, '.a is an instance of Float64Array'],
    ['a Map of a custom class', { a: new (class Index extends Map {})() }, '.a is an instance of Index'],
    ['an invalid Date', { a: new Date(Number.NaN) }, '.a is a Date that Python cannot hold'],
    ['a Date beyond the year 9999', [new Date(8.64e15)], '[0] is a Date that Python cannot hold'],
    ['a container as a key', { a: new Map([[{}, 1]]) }, '.a.keys()[0] is a container'],
    ['a container in a set', new Set([[1]]), '.values()[0] is a container'],
    [
      'keys that are the same for Python',
      new Map<unknown, unknown>([
        [1, 'a'],
        [true, 'b'],
      ]),
      '.keys()[1] is the same as another',
    ],
    ['members that are the same for Python', new Set([1, 1n]), '.values()[1] is the same as another'],
  ])('but rejects %s, naming the path', (_what, value, message) => {
    expect(() => encoding.encode(value)).toThrow(EncodingError)
    expect(() => encoding.encode(value)).toThrow(message)
  })

  test('but rejects undefined and more than 500 levels', () => {
    expect(() => encoding.encode(undefined)).toThrow(TypeError)
    let value: unknown = 1
    for (let level = 0; level < 500; level++) value = [value]
    expect(encoding.decode(encoding.encode(value))).toEqual(value)
    for (let level = 0; level < 100_000; level++) value = { value }
    expect(() => encoding.encode(value)).toThrow(/500 levels/)
  })
})

test('reads what Python stored with `oldEncoding`, and reencode() rewrites it', async () => {
  const store = new MemoryStore()
  const raw = await MemoryDict.open(store, { encoding: { name: 'Raw', encode: String, decode: String } })
  const pickled = committed.filter(
    ({ protocol, name }) => protocol === 4 && name !== 'cyclic list' && name !== 'cyclic dict',
  )
  await raw.update(pickled.map(({ name, pickle }) => [name, `${pickle.match(/.{1,76}/g)?.join('\n')}\n`] as const))
  const dict = await MemoryDict.open(store, { oldEncoding: PickleEncoding })
  await expect(dict.get('a call')).rejects.toMatchObject({ code: 'DURABLEDICT_DECODING', key: 'a call' })
  expect(await dict.get('dict')).toMatchObject({ theme: 'dark', perPage: 20 })
  await dict.reencode()
  const later = await MemoryDict.open(store, { encoding: RichEncoding })
  for (const { name, expected } of pickled) {
    if (expected === undefined) await expect(later.get(name)).rejects.toThrow(DecodingError)
    else expect(same(await later.get(name), expectedOf(expected)), name).toBe(true)
  }
})
