// @ts-check
/** @import { Random } from '../random.js' */

/** What parsers stumble over. */
const WORDS = [
  ...[
    '__proto__',
    'constructor',
    'prototype',
    'toString',
    'rich:',
    'null',
    'NaN',
    '-0',
    '1e999',
    '99999999999999999999999',
  ],
  ...[
    '"',
    '\\',
    '\\u0000',
    '\\ud800',
    '\0',
    '\n',
    '\r\n',
    '\u{1f5dd}',
    '[',
    ']',
    '{',
    '}',
    ':',
    ',',
    '-1',
    '=',
    '%',
    '#',
    '@',
    ' ',
  ],
].map(word => Buffer.from(word))

/** JSON of every type, to put in the place of another. */
const TOKENS = [
  'null',
  'true',
  '""',
  '-1',
  '0',
  '1.5',
  '1e300',
  '[]',
  '{}',
  '[[]]',
  '"__proto__"',
  '"\\ud800"',
  '"\\u0000"',
  '9007199254740993',
]

/** Lengths that nobody must reserve memory for. */
const LENGTHS = [0, 1, 0x7f, 0x7fffffff, 0x80000000, 0xffffffff, 0x10000000, 0x00ffffff]

/** How deep nesting gets. */
const DEPTH = 20_000

/** @typedef {(bytes: Buffer, random: Random, other: Buffer) => Buffer} Mutation */

/** @param {Buffer} bytes @param {Random} random @returns {[number, number]} */
function range({ length }, random) {
  const from = random.between(0, length)
  return [from, random.between(from, Math.min(length, from + random.pick([1, 4, 40, 4_000])))]
}

/** @param {Buffer} bytes @param {number} from @param {number} to @param {Buffer} put */
const replaced = (bytes, from, to, put) => Buffer.concat([bytes.subarray(0, from), put, bytes.subarray(to)])

/** Every way to spoil bytes. @type {readonly Mutation[]} */
const MUTATIONS = [
  function flip(bytes, random) {
    const copy = Buffer.from(bytes)
    if (copy.length > 0) {
      const at = random.between(0, copy.length - 1)
      copy[at] = /** @type {number} */ (copy[at]) ^ (1 << random.between(0, 7))
    }
    return copy
  },
  function put(bytes, random) {
    const copy = Buffer.from(bytes)
    if (copy.length > 0) copy[random.between(0, copy.length - 1)] = random.pick([0, 1, 0x20, 0x7f, 0x80, 0xc0, 0xff])
    return copy
  },
  (bytes, random) => bytes.subarray(0, random.between(0, bytes.length)),
  (bytes, random) => bytes.subarray(random.between(0, Math.min(bytes.length, 8))),
  (bytes, random) => replaced(bytes, ...range(bytes, random), Buffer.alloc(0)),
  function duplicate(bytes, random) {
    const [from, to] = range(bytes, random)
    return replaced(bytes, to, to, bytes.subarray(from, to))
  },
  function splice(bytes, random, other) {
    const [from, to] = range(other, random)
    return replaced(bytes, ...range(bytes, random), other.subarray(from, to))
  },
  function word(bytes, random) {
    const [from, to] = range(bytes, random)
    return replaced(bytes, from, random.chance(0.5) ? from : to, random.pick(WORDS))
  },
  function length(bytes, random) {
    const copy = Buffer.from(bytes)
    if (copy.length < 4) return copy
    const at = random.between(0, copy.length - 4)
    const value = random.pick(LENGTHS)
    if (random.chance(0.5)) copy.writeUInt32BE(value, at)
    else copy.writeUInt32LE(value, at)
    return copy
  },
  function number(bytes, random) {
    const text = bytes.toString('latin1')
    const numbers = [...text.matchAll(/-?\d+/g)]
    if (numbers.length === 0) return bytes
    const found = random.pick(numbers)
    const put = random.pick([
      '0',
      '-1',
      '2147483648',
      '4294967296',
      '9007199254740993',
      '1e400',
      `${'9'.repeat(400)}`,
      '',
    ])
    return replaced(bytes, found.index, found.index + found[0].length, Buffer.from(put))
  },
  function token(bytes, random) {
    const text = bytes.toString('latin1')
    const tokens = [...text.matchAll(/"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?|true|false|null/g)]
    if (tokens.length === 0) return bytes
    const found = random.pick(tokens)
    return replaced(bytes, found.index, found.index + found[0].length, Buffer.from(random.pick(TOKENS)))
  },
  function nest(bytes, random) {
    const depth = random.between(1, DEPTH)
    const [open, close] = random.pick([
      ['[', ']'],
      ['{"a":', '}'],
      ['(', ')'],
      ['', ''],
      ['[1,', ']'],
    ])
    const [from, to] = range(bytes, random)
    const inner = random.chance(0.5) ? bytes.subarray(from, to) : Buffer.from('1')
    return replaced(
      bytes,
      from,
      to,
      Buffer.concat([Buffer.from(open.repeat(depth)), inner, Buffer.from(close.repeat(depth))]),
    )
  },
]

/** Spoils a valid input a few times. @param {readonly Buffer[]} samples @param {Random} random */
export function mutate(samples, random) {
  let bytes = random.pick(samples)
  for (
    let left = random.weighted([
      [5, 1],
      [3, 2],
      [2, 4],
      [1, 0],
    ]);
    left > 0;
    left -= 1
  ) {
    bytes = random.pick(MUTATIONS)(bytes, random, random.pick(samples))
  }
  return bytes
}
