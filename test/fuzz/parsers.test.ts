import { describe, expect, test } from 'vitest'
import { readChanges } from '../../src/backends/postgres/sides.js'
import { toStored, UTF8 } from '../../src/backends/postgres/stored-form.js'
import { DamagedValue } from '../../src/contract/damaged-value.js'
import { DecodingError } from '../../src/index.js'
import { SECRET, spoil } from '../../torture/fuzz/spoil.js'
import { LONG } from '../form.js'
import { ON_NODE } from '../runtime.js'
import { PARSERS } from './parsers.js'

/** How many mutations each parser gets. */
const RUNS = LONG ? 20_000 : 250

describe('mutations of valid input are read, or rejected with an error of this library', () => {
  for (const [name, parser] of Object.entries(PARSERS)) {
    test(name, { timeout: 600_000 }, async () => {
      if (name !== 'connection URLs') for (const sample of parser.samples) expect(parser.parse(sample)).toBeDefined()
      await spoil(parser, { runs: RUNS })
    })
  }
})

// Other runtimes parse any depth, and the encoding refuses it.
test.skipIf(!ON_NODE)('JSON in PostgreSQL that is nested too deeply is a damaged value', () => {
  const deep = '['.repeat(50_000) + ']'.repeat(50_000)
  expect(toStored(deep, null)).toBeInstanceOf(DamagedValue)
  const [change] = readChanges(`[["k",{"json":${deep}},null]]`, UTF8.unsafe) ?? []
  expect(change?.before).toBeInstanceOf(DamagedValue)
})

// Without these, a check that accepts everything would prove nothing.
describe('the check of a parser finds one that', () => {
  const samples = [Buffer.from(`{"a":"${SECRET}","n":[1,2,3]}`)]
  const isOurs = (error: unknown) => error instanceof DecodingError
  const broken: Record<string, (input: Buffer) => unknown> = {
    'throws an error of the engine': input => JSON.parse(input.toString()),
    'quotes what is stored': input => {
      throw new DecodingError(`no: ${input}`)
    },
    'reserves what a length announces': input =>
      Buffer.alloc(input.length > 8 ? Math.min(input.readUInt32BE(4), 2 ** 28) : 0),
    'changes a prototype': input => {
      if (input.includes('__proto__'))
        Object.defineProperty(Object.prototype, 'polluted', { value: 1, configurable: true })
    },
  }
  for (const [name, parse] of Object.entries(broken)) {
    // The memory of a buffer is measured on Node only.
    test.skipIf(!ON_NODE && name.startsWith('reserves'))(name, async () => {
      try {
        await expect(spoil({ samples, parse, isOurs }, { runs: 20_000 })).rejects.toThrow('input (base64)')
      } finally {
        Reflect.deleteProperty(Object.prototype, 'polluted')
      }
    })
  }
})
