import { describe, expect, test } from 'vitest'
import { literalAtStart, snippetsOf, withClaimsChecked } from './snippets.js'

const PAGE = [
  'Text',
  '```ts',
  'const a = 1',
  '```',
  '<!-- continues -->',
  '',
  '```typescript',
  'a',
  '```',
  '```sh',
  'npm test',
  '```',
  '<!-- not run: it needs a server -->',
  '```js',
  'connect()',
  '```',
].join('\n')

describe('snippetsOf', () => {
  test('finds every snippet with its line and its marker', () => {
    expect(snippetsOf('page.md', PAGE)).toEqual([
      { page: 'page.md', line: 3, language: 'ts', code: 'const a = 1', notRun: undefined },
      { page: 'page.md', line: 8, language: 'ts', code: 'const a = 1\na', notRun: undefined },
      { page: 'page.md', line: 15, language: 'js', code: 'connect()', notRun: 'it needs a server' },
    ])
  })

  test('skips no snippet without a reason', () => {
    expect(() => snippetsOf('page.md', '<!-- not run -->\n```ts\n1\n```')).toThrow(/page\.md:3.*why/)
    expect(() => snippetsOf('page.md', '<!-- continues -->\n```ts\n1\n```')).toThrow(/continue/)
    expect(() => snippetsOf('page.md', '```ts\n1')).toThrow(/does not end/)
  })

  test('keeps what to run after a snippet', () => {
    const [first, second] = snippetsOf('page.md', '```ts\n1\n```\n<!-- afterwards: await close() -->\n```ts\n2\n```')
    expect(first).toMatchObject({ code: '1', afterwards: 'await close()' })
    expect(second).not.toHaveProperty('afterwards')
    expect(() => snippetsOf('page.md', '<!-- afterwards: await close() -->')).toThrow(/no snippet/)
  })

  test('applies a marker to the next snippet only', () => {
    const [, second] = snippetsOf('page.md', '<!-- not run: reason -->\n```ts\n1\n```\n```ts\n2\n```')
    expect(second?.notRun).toBeUndefined()
  })
})

describe('withClaimsChecked', () => {
  test.each([
    ["await dict.get('a') // 'x': from memory", "__expect(await dict.get('a')).toEqual('x') // 'x': from memory"],
    ['dict.size // 20', '__expect(dict.size).toEqual(20) // 20'],
    ['await dict.sync() // one small check', 'await dict.sync() // one small check'],
    ['const n = f() // 1', 'const n = f() // 1'],
    ['// 1', '// 1'],
    ['  console.log(a, b) // 1 x', '  __expect(__format(a, b)).toBe("1 x")'],
    ['const object = {', 'const object = {'],
    ['  state: 1, // 2', '  state: 1, // 2'],
  ])('%s', (line, wanted) => {
    expect(withClaimsChecked(line)).toBe(wanted)
  })

  test.each([
    ['true: it was there', 'true'],
    ["{ a: 1, b: [2, 'x'] }", "{ a: 1, b: [2, 'x'] }"],
    ["['a'], in no order", "['a']"],
    ['undefined', 'undefined'],
    ['true undefined remote', undefined],
    ['milliseconds', undefined],
    ['new Map([[1, 2]])', 'new Map([[1, 2]])'],
    ['2.5, say', '2.5'],
  ])('%s begins with %s', (comment, literal) => {
    expect(literalAtStart(comment)).toBe(literal)
  })
})
