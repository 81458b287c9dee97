import { readdirSync, readFileSync } from 'node:fs'
import { expect, test } from 'vitest'

const source = new URL('../../src/', import.meta.url)

/** The codes of all calls of `warn`. */
function emitted(): string[] {
  const files = readdirSync(source, { recursive: true, encoding: 'utf8' }).filter(file => file.endsWith('.ts'))
  const texts = files.map(file => readFileSync(new URL(file, source), 'utf8'))
  return texts.flatMap(text =>
    Array.from(text.matchAll(/\bwarn\(\s*'(DURABLEDICT_\w+)'/g), ([, code]) => code as string),
  )
}

/** The codes of the rows of the table. */
function documented(): string[] {
  const page = readFileSync(new URL('../../docs/operations.md', import.meta.url), 'utf8')
  return Array.from(page.matchAll(/^\| `(DURABLEDICT_\w+)` \|/gm), ([, code]) => code as string)
}

test('docs/operations.md lists the code of every warning', () => {
  expect(documented().sort()).toEqual([...new Set(emitted())].sort())
})
