import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import * as library from '../../src/index.js'

const { DurableDictError } = library

/** The rows of the table on the page: error and code. */
function documented(): string[][] {
  const page = readFileSync(new URL('../../docs/errors.md', import.meta.url), 'utf8')
  const rows = page.split('\n').filter(line => line.startsWith('| `'))
  return rows.map(row => {
    const cells = row.split('|').slice(1, -1)
    expect(cells, row).toHaveLength(4)
    for (const cell of cells) expect(cell.trim(), row).not.toBe('')
    return cells.slice(0, 2).map(cell => cell.trim().replaceAll('`', ''))
  })
}

function exported(): string[][] {
  const classes = Object.entries(library).filter(
    ([, value]) => typeof value === 'function' && value.prototype instanceof DurableDictError,
  )
  return classes.map(([name, Class]) => {
    const error = new (Class as typeof library.KeyError)('message', { dictionary: 'd', key: 'k', cause: 'c' })
    expect(error).toMatchObject({ name, message: 'message', dictionary: 'd', key: 'k', cause: 'c' })
    return [name, error.code]
  })
}

test('docs/errors.md lists exactly the exported errors', () => {
  expect(documented().sort()).toEqual(exported().sort())
})

test('codes are distinct', () => {
  const codes = exported().map(([, code]) => code)
  expect(new Set(codes).size).toBe(codes.length)
})

test('an error without a cause has no cause property', () => {
  expect('cause' in new library.KeyError('message')).toBe(false)
})
