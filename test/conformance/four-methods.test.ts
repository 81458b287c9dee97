import { appendFile, mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { conformance } from '../../src/conformance/index.js'
import { DurableDict } from '../../src/index.js'
import { JournalBackend } from './four-methods.js'
import { runner } from './runner.js'

const reason = 'four methods are enough'

conformance(runner, {
  name: 'JournalBackend',
  missing: {
    commit: reason,
    changesSince: reason,
    load: reason,
    subscribe: reason,
    pop: reason,
    setDefault: reason,
    registerMaxStaleness: reason,
    history: reason,
    presence: reason,
    bytes: 'a journal of text',
  },
  async create() {
    const folder = await mkdtemp(join(tmpdir(), 'journal-'))
    return {
      backend: () => new JournalBackend(join(folder, 'settings.journal')),
      dispose: () => rm(folder, { recursive: true }),
    }
  },
})

test('ignores a line torn by a crash and reads all others', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'durabledict-journal-'))
  const path = join(folder, 'settings.journal')
  const dict = await DurableDict.open(new JournalBackend(path))
  await dict.set('a', 1)
  await appendFile(path, '\n["a","never acknowl')
  expect(await dict.get('a')).toBe(1)
  await dict.set('b', 2)
  expect(await dict.entries()).toEqual([
    ['a', 1],
    ['b', 2],
  ])
  await dict.close()
  await rm(folder, { recursive: true })
})

test('the docs show this backend and this use of the suite', async () => {
  const code = await readFile(new URL('four-methods.ts', import.meta.url), 'utf8')
  const docs = await readFile(new URL('../../docs/make-your-own.md', import.meta.url), 'utf8')
  expect(docs).toContain(code.replace('../../src/index.js', 'durabledict').trimEnd())
  const here = await readFile(new URL(import.meta.url), 'utf8')
  expect(docs).toContain(here.slice(here.indexOf('const reason'), here.indexOf('\n)\n') + 2))
})
