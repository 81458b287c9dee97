import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import * as z from 'zod'
import { type Reading, readValue } from '../../src/cli/values/read-value.js'
import { ValueTexts } from '../../src/cli/values/value-text.js'

const page = readFileSync(fileURLToPath(new URL('../../docs/command-line.md', import.meta.url)), 'utf8')

/** The schemas that the table of the page names. */
const SCHEMAS: Readonly<Record<string, z.ZodType>> = {
  'z.string()': z.string(),
  'z.number()': z.number(),
  'z.number().int()': z.number().int(),
  'z.boolean()': z.boolean(),
  "z.enum(['on', 'off'])": z.enum(['on', 'off']),
  'z.date()': z.date(),
  'z.bigint()': z.bigint(),
  'z.coerce.number()': z.coerce.number(),
  'z.string().nullable()': z.string().nullable(),
  'z.union([z.string(), z.number()])': z.union([z.string(), z.number()]),
  "z.union([z.boolean(), z.literal('auto')])": z.union([z.boolean(), z.literal('auto')]),
  'z.object({ a: z.number() })': z.object({ a: z.number() }),
  'z.array(z.string())': z.array(z.string()),
  'z.unknown()': z.unknown(),
  'z.null()': z.null(),
}

const texts = new ValueTexts(undefined)

/** What is stored; `undefined` if it is refused. */
function stored(text: string, how: Reading, schema: z.ZodType | undefined): string | undefined {
  try {
    const read = readValue(text, how, { texts, schema })
    const value = 'value' in read ? read.value : undefined
    return schema?.safeParse(value).success === false ? undefined : texts.textOf(value)
  } catch (error) {
    expect(error).toMatchObject({ exitCode: 2 })
    expect((error as Error).message).not.toContain(text.length > 6 ? text : 'no such text')
    return undefined
  }
}

const uncode = (cell: string) => (cell === '(empty)' ? '' : cell.replace(/^`(.*)`$/, '$1'))

const table = page.slice(page.indexOf('| text | schema or option'), page.indexOf('## Values that JSON cannot hold'))
const rows = table
  .trim()
  .split('\n')
  .slice(2)
  .map(line =>
    line.split(' | ').map((cell, index) => {
      return uncode(index === 0 ? cell.slice(2) : cell.replace(/ \|$/, ''))
    }),
  )

describe('the table of values', () => {
  it('has at least sixty lines', () => {
    expect(rows.length).toBeGreaterThan(60)
  })

  it.each(rows)('reads %j with %s as %s', (text = '', with_ = '', result = '') => {
    const how = ({ '--string': 'string', '--json': 'json' } as const)[with_]
    const schema = SCHEMAS[with_]
    if (how === undefined && schema === undefined) expect(with_).toBe('no schema')
    expect(stored(text, how, schema) ?? 'refused').toBe(result)
  })
})

describe('a value of a megabyte', () => {
  it('is read like any other', () => {
    const long = 'x'.repeat(1_000_000)
    expect(stored(JSON.stringify(long), undefined, undefined)).toBe(JSON.stringify(long))
    expect(stored(long, undefined, undefined)).toBeUndefined()
    expect(stored(long, undefined, z.string())).toBe(JSON.stringify(long))
  })
})
