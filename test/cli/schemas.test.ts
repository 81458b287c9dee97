import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, it } from 'vitest'
import * as z from 'zod'
import { SqliteDict } from '../../src/index.js'
import { cli, temporaryFolder } from './support.js'

const schemas = fileURLToPath(new URL('../../schemas/cli', import.meta.url))

let folder: Awaited<ReturnType<typeof temporaryFolder>>
let dict: SqliteDict
const used = new Set<string>()

beforeAll(async () => {
  folder = await temporaryFolder()
  dict = await SqliteDict.open('settings', join(folder.path, 'app.db'), {
    live: true,
    service: 'web',
    maxStaleness: 60_000,
  })
  await dict.set('date', new Date(0), { by: 'ada', reason: 'why' })
  await dict.set('count', 1)
})
afterAll(async () => {
  await dict.close()
  await folder[Symbol.asyncDispose]()
})

const run = (...args: string[]) =>
  cli(args, { folder: folder.path, env: { DURABLEDICT_URL: `sqlite:${folder.path}/app.db#settings` } })

/** What one output must look like. */
async function schemaOf(name: string) {
  used.add(name)
  return z.fromJSONSchema(JSON.parse(await readFile(join(schemas, `${name}.json`), 'utf8')))
}

it.each([
  ['ls', ['ls']],
  ['get', ['get', 'date']],
  ['change', ['set', 'count', '2', '-m', 'more']],
  ['change', ['set', 'count', '3', '--dry-run']],
  ['change', ['set', 'count', '2']],
  ['change', ['unset', 'count', '--yes']],
  ['history', ['history']],
  ['diff', ['diff', 'document.json']],
  ['export', ['export']],
  ['change', ['import', 'document.json', '--prune', '--yes']],
  ['replicas', ['replicas']],
  ['check', ['check']],
  ['doctor', ['doctor', '--url', 'redis://127.0.0.1:1#x', '--timeout', '300']],
] as const)('%s.json describes the output of %j', async (name, args) => {
  await writeFile(
    join(folder.path, 'document.json'),
    '{"a": 1, "date": "rich:[[\\"Date\\",\\"1970-01-01T00:00:00.001Z\\"]]"}',
  )
  const { stdout, stderr } = await run(...args)
  expect(stdout, stderr).not.toBe('')
  expect((await schemaOf(name)).safeParse(JSON.parse(stdout))).toMatchObject({ success: true })
})

it('watch.json describes each line of watch', async () => {
  const ending = new AbortController()
  const lines: string[] = []
  const onOutput = (text: string) => {
    lines.push(text)
    ending.abort()
  }
  const env = { DURABLEDICT_URL: `sqlite:${folder.path}/app.db#settings` }
  const watching = cli(['watch'], { env, onOutput, signal: ending.signal })
  await expect
    .poll(async () => {
      if (lines.length === 0) await dict.set('watched', Math.random(), { by: 'ada', reason: 'why' })
      return lines.length
    })
    .toBeGreaterThan(0)
  await watching
  expect((await schemaOf('watch')).safeParse(JSON.parse(lines[0] as string))).toMatchObject({ success: true })
})

it('console.json describes the output of console', async () => {
  const ending = new AbortController()
  const onOutput = (_text: string, stream: string) => stream === 'stdout' && ending.abort()
  const env = { DURABLEDICT_URL: `sqlite:${folder.path}/app.db#settings` }
  const { stdout } = await cli(['console', '--no-open'], { env, onOutput, signal: ending.signal })
  expect((await schemaOf('console')).safeParse(JSON.parse(stdout))).toMatchObject({ success: true })
})

it('every schema is that of an output', async () => {
  expect([...used].sort()).toEqual((await readdir(schemas)).map(name => name.replace('.json', '')).sort())
})

it('a schema refuses other outputs', async () => {
  for (const name of await readdir(schemas)) {
    if (name === 'get.json' || name === 'export.json') continue
    expect((await schemaOf(name.replace('.json', ''))).safeParse([{ unknown: 1 }]).success, name).toBe(false)
  }
})
