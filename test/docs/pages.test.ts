import { execFile } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { ENTRIES, specifierOf } from '../../scripts/entries.js'
import { generated } from '../model/prisma/generate.js'
import { freePort } from '../servers/port.js'
import { postgres } from '../servers/postgres.js'
import { redis } from '../servers/redis.js'
import { startServer } from '../servers/start.js'
import type { Server } from '../servers/types.js'
import { type Snippet, snippetsOf, withClaimsChecked } from './snippets.js'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))

/** Inside the tree, so that their imports resolve, but ignored by other tools. */
const FOLDER = join(ROOT, '.cache', `snippets-${process.pid}`)

/** The folder in which they are compiled. */
const TYPES = join(FOLDER, 'types')

/** The README and all pages. */
const PAGES = ['README.md', ...readdirSync(join(ROOT, 'docs'), { recursive: true }).map(path => `docs/${path}`)]
  .filter(path => path.endsWith('.md'))
  .sort()

/** The exports of the package, by their source. */
const SOURCES: Readonly<Record<string, string>> = Object.fromEntries(
  ENTRIES.map(entry => [specifierOf(entry), join(ROOT, 'src', entry.source)]),
)

const pages = PAGES.map(page => [page, snippetsOf(page, readFileSync(join(ROOT, page), 'utf8'))] as const).filter(
  ([, snippets]) => snippets.length > 0,
)

function fileOf({ page, line, language }: Snippet): string {
  return `${page.replaceAll(/\W+/g, '-')}-${line}.${language}`
}

function onSource(code: string): string {
  return code.replaceAll(
    /(\bfrom\s*|\bimport\s*\(?\s*)(['"])(durabledict(?:\/[\w/]+)?)\2/g,
    (_all, start, _quote, name) => {
      return `${start}${JSON.stringify(SOURCES[name as string])}`
    },
  )
}

/** The servers that snippets name by these addresses. Each starts when the first snippet that names it runs. */
const SERVERS = { 'redis://localhost:6379': redis, 'postgres://localhost:5432/app': postgres }

const started = new Map<string, Promise<Server>>()

/** The code with the addresses of real servers, and with a free port instead of 3000. */
async function onServers(code: string): Promise<string> {
  let result = code.replaceAll(/(?<=listen\(|localhost:)3000\b/g, String(await freePort()))
  for (const [address, spec] of Object.entries(SERVERS)) {
    if (!code.includes(address)) continue
    if (!started.has(address)) started.set(address, startServer(spec))
    result = result.replaceAll(address, (await started.get(address))?.url ?? address)
  }
  return result
}

/** NestJS needs TypeScript's experimental decorators; this comment enables them for the snippets. */
const DECORATORS = { experimentalDecorators: true }

/** The Prisma client of the page's schema, where the snippets that run and the ones that compile import it. */
async function generateClient(page: string): Promise<void> {
  const [, schema] = /^```prisma\n(generator .*?)^```/ms.exec(readFileSync(join(ROOT, page), 'utf8')) ?? []
  if (!schema) throw new Error(`${page} shows no schema that has a generator.`)
  const folder = await generated('docs', schema)
  for (const place of [FOLDER, TYPES]) await symlink(join(folder, 'generated'), join(place, 'generated'), 'junction')
}

beforeAll(async () => {
  await mkdir(TYPES, { recursive: true })
  await generateClient('docs/model/prisma.md')
  await writeFile(join(FOLDER, 'tsconfig.json'), JSON.stringify({ compilerOptions: DECORATORS }))
})

afterAll(async () => {
  await rm(FOLDER, { recursive: true, force: true })
  for (const server of started.values()) await (await server).stop()
})

describe.each(pages)('the snippets of %s', (_page, snippets) => {
  for (const snippet of snippets) {
    const name = `line ${snippet.line}`
    if (snippet.notRun) test.skip(`${name} (not run: ${snippet.notRun})`, () => {})
    // The first one transforms the whole library; others start a server.
    else test(`${name} runs and prints what it claims`, { timeout: 60_000 }, () => run(snippet))
  }
})

async function run(snippet: Snippet): Promise<void> {
  const file = join(FOLDER, `run-${fileOf(snippet)}`)
  const { afterwards = '' } = snippet
  const code = await onServers(`${withClaimsChecked(onSource(snippet.code))}\n${afterwards}`)
  await writeFile(
    file,
    `import { format as __format } from 'node:util'\nimport { expect as __expect } from 'vitest'\n${code}\nexport {}\n`,
  )
  const home = process.cwd()
  const workplace = await mkdtemp(join(tmpdir(), 'durabledict-docs-'))
  const log = vi.spyOn(console, 'log').mockReturnValue()
  try {
    process.chdir(workplace)
    await import(file)
  } finally {
    log.mockRestore()
    process.chdir(home)
    await rm(workplace, { recursive: true, force: true })
  }
}

test('the snippets compile unchanged', { timeout: 60_000 }, async () => {
  const typed = pages.flatMap(([, snippets]) => snippets).filter(({ language }) => language === 'ts')
  for (const snippet of typed) await writeFile(join(TYPES, fileOf(snippet)), `${snippet.code}\nexport {}\n`)
  const config = {
    extends: join(ROOT, 'tsconfig.json'),
    compilerOptions: {
      ...DECORATORS,
      paths: Object.fromEntries(Object.entries(SOURCES).map(([name, source]) => [name, [source]])),
      noUnusedLocals: false,
      noUnusedParameters: false,
      erasableSyntaxOnly: false,
      types: ['node'],
      typeRoots: [join(ROOT, 'node_modules/@types')],
    },
    include: [join(TYPES, '*.ts')],
    exclude: [],
  }
  await writeFile(join(TYPES, 'tsconfig.json'), JSON.stringify(config))
  const tsc = join(ROOT, 'node_modules/typescript/bin/tsc')
  const result = promisify(execFile)(process.execPath, [tsc, '-p', TYPES, '--pretty', 'false'])
  expect(
    await result.then(
      ({ stdout }) => stdout,
      ({ stdout }) => stdout,
    ),
  ).toBe('')
})
