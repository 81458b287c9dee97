import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { escapeText, unescapeText } from '../../src/backends/sql/escape.js'
import type { Stored } from '../../src/backends/sqlite/text.js'
import { type Encoding, SqliteDict } from '../../src/index.js'
import { folders } from './folder.js'

const fileIn = folders()

/** Text and bytes, unchanged. */
const asIs: Encoding<Stored> = {
  name: 'AsIs',
  encode: value => value as Stored,
  decode: stored => stored,
}

/** Any UTF-16, including lone surrogates and the escape characters. */
const anyText = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc
    .array(fc.constantFrom('\0', '\u0001', '0000', 'd800', '\ud800', '\udc00', '\ufeff', 'a', '\n'), { maxLength: 8 })
    .map(parts => parts.join('')),
)
const keys = fc
  .oneof(
    fc.string({ unit: 'binary', minLength: 1, maxLength: 20 }),
    fc.constantFrom('\0', 'a\0b', '\u0001', '\u00010000', '__proto__'),
  )
  .filter(key => key.isWellFormed())
const values = fc.oneof(anyText, fc.uint8Array({ maxLength: 20 }))

describe('Text', () => {
  it('is escaped reversibly into what SQLite can store', () => {
    fc.assert(
      fc.property(anyText, text => {
        const escaped = escapeText(text)
        expect(unescapeText(escaped)).toBe(text)
        expect(escaped).not.toContain('\0')
        expect(escaped.isWellFormed()).toBe(true)
      }),
      { numRuns: 2_000 },
    )
  })

  it('is unchanged except for rare characters', () => {
    expect(escapeText('grüße, 世界 😀\n\t\u0002')).toBe('grüße, 世界 😀\n\t\u0002')
    expect(escapeText('a\0b')).toBe('a\u00010000b')
  })

  it('is read from the file as it was written: names, keys, text and bytes', async () => {
    const file = await fileIn()
    const names = fc.string({ unit: 'binary', minLength: 1 })
    await fc.assert(
      fc.asyncProperty(names, fc.dictionary(keys, values), async (name, entries) => {
        const writer = await SqliteDict.open(name, file, { encoding: asIs })
        await writer.clear()
        const reader = await SqliteDict.open(name, file, { encoding: asIs })
        await writer.update(Object.entries(entries))
        const fresh = await SqliteDict.open(name, file, { encoding: asIs })
        const expected = new Map(Object.entries(entries))
        expect(new Map(await writer.entries())).toStrictEqual(expected)
        expect(new Map(await reader.entries()), 'by the history').toStrictEqual(expected)
        expect(new Map(await fresh.entries()), 'as a whole').toStrictEqual(expected)
        for (const dict of [writer, reader, fresh]) await dict.close()
      }),
      { numRuns: 100 },
    )
  })

  it('with NUL is returned by pop and setDefault', async () => {
    const dict = await SqliteDict.open('a\0b', await fileIn(), { encoding: asIs })
    const other = await SqliteDict.open('a', await fileIn(), { encoding: asIs })
    expect(await dict.setDefault('k\0', 'v\0w')).toBe('v\0w')
    expect(await dict.setDefault('k\0', 'x')).toBe('v\0w')
    expect(await dict.has('k')).toBe(false)
    expect(await dict.pop('k\0')).toBe('v\0w')
    expect(await dict.setDefault('empty', new Uint8Array())).toStrictEqual(new Uint8Array())
    expect(await dict.pop('empty')).toStrictEqual(new Uint8Array())
    expect(await other.size()).toBe(0)
    await dict.close()
    await other.close()
  })
})
