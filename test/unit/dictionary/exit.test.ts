import { spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { ON_NODE } from '../../runtime.js'

const LIBRARY = new URL('../../../lib/esm/index.js', import.meta.url).href

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'durabledict-'))
})
afterAll(() => rm(folder, { recursive: true }))

/** Runs a program, and resolves with its exit code and output when it ends by itself; kills it after a while. */
function run(program: string): Promise<{ code: number | null; output: string }> {
  const source = `import { MemoryDict, MemoryStore, SqliteDict } from ${JSON.stringify(LIBRARY)}\n${program}`
  const child = spawn(
    process.execPath,
    ['--disable-warning=ExperimentalWarning', '--input-type=module', '-e', source],
    { cwd: folder },
  )
  let output = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', chunk => (output += chunk))
  const timer = setTimeout(() => child.kill('SIGKILL'), 20_000)
  return new Promise(resolve => {
    child.on('close', code => {
      clearTimeout(timer)
      resolve({ code, output })
    })
  })
}

const OPTIONS = '{ live: true, maxStaleness: 5_000, resyncEvery: 5_000, signal: new AbortController().signal }'

test.skipIf(!ON_NODE).each([
  ['in memory', 'MemoryDict.open(new MemoryStore(), OPTIONS)'],
  ['in a SQLite file', "SqliteDict.open('settings', './app.db', OPTIONS)"],
])('an idle open dictionary %s does not keep the process alive', async (_, open) => {
  const program = `
    const dict = await ${open.replace('OPTIONS', OPTIONS)}
    await dict.set('a', 1)
    await dict.get('a')
    void dict.watch().next()
    console.log('done')`
  // A top-level await that never ends would exit with 13.
  const { code, output } = await run(program)
  expect([code, output.trim()]).toEqual([0, 'done'])
})
