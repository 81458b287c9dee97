import type { SqlRow } from '../../src/backends/sql/sql-session.js'
import type { Parser } from '../../torture/fuzz/spoil.js'

export const bytesOf = (texts: readonly string[]) => texts.map(text => Buffer.from(text))

/** For parsers that report every fault by what they return. */
export const never = () => false

/** A parser of text. */
export const ofText = (
  samples: readonly string[],
  parse: (text: string) => unknown,
  isOurs: Parser['isOurs'],
): Parser => ({
  samples: bytesOf(samples),
  parse: input => parse(input.toString('utf8')),
  isOurs,
})

/** A parser of what `JSON.parse` returned: it is fed with mutations that are still JSON. */
export const ofJson = (
  samples: readonly unknown[],
  parse: (value: never) => unknown,
  isOurs: Parser['isOurs'],
): Parser =>
  ofText(
    samples.map(sample => JSON.stringify(sample)),
    text => {
      let value: unknown
      try {
        value = JSON.parse(text)
      } catch {
        value = text
      }
      return parse(value as never)
    },
    isOurs,
  )

/** Rows of SQL have a text, a number or nothing in each column. */
export function cellsOf(rows: unknown): SqlRow[] {
  const list = Array.isArray(rows) ? rows.filter(row => typeof row === 'object' && row !== null) : []
  const cell = (value: unknown) => (typeof value === 'object' && value !== null ? 'x' : value)
  return list.map(row => Object.fromEntries(Object.entries(row as object).map(([name, value]) => [name, cell(value)])))
}
