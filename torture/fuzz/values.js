// @ts-check
import fc from 'fast-check'
import { Raw } from './source.js'

/** Few, so that calls meet, including keys that break a plain object. Some have a default, or are named by the schema. */
const KEYS = ['a', 'b', 'd', '__proto__', 'ключ 🗝']

/** The keys that a schema or the defaults name, in programs where these limit the keys. */
export const NAMES = new Set(['a', 'b', 'd'])

/** What the schema refuses. */
export const REFUSED = 'refused by the schema'

/** What no encoding takes. */
export const UNENCODABLE = new Raw('() => {}')

export const DEFAULT = Object.freeze({ default: true })

/** What RichEncoding keeps and JSON does not. */
const RICH = [new Date(0), new Map([['k', 1]]), new Set([1, 'x']), 10n, -0, { deep: [new Date(5), { u: undefined }] }]

const plain = fc.oneof(
  { weight: 4, arbitrary: fc.nat({ max: 3 }) },
  { weight: 2, arbitrary: fc.constantFrom('', 'x', true, null) },
  { weight: 2, arbitrary: fc.constantFrom({ n: 1 }, { n: { m: [1, 2] } }, [], [1, [2]]) },
)

export const key = fc.constantFrom(...KEYS)

export const value = fc.oneof(
  { weight: 14, arbitrary: plain },
  { weight: 3, arbitrary: fc.constantFrom(...RICH) },
  { weight: 1, arbitrary: fc.constantFrom(REFUSED, UNENCODABLE, undefined) },
)

export const pairs = fc.array(fc.tuple(key, value), { maxLength: 4 })

/** Entries in the old encoding, with which programs begin that change the encoding. */
export const OLD = { a: 1, b: { n: { m: [1, 2] } }, d: 'x' }

/** Whether only RichEncoding keeps the value. @param {unknown} one */
export const isRich = one => RICH.some(rich => Object.is(rich, one))
