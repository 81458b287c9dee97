import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'
import { modernNode } from '../../scripts/modern-node.js'
import { fastFolder } from '../servers/fast-folder.js'
import { folders } from './folder.js'

const fileIn = folders()

/** Tests that run inside this process, by the engine of its Node. */
const NAMES = [
  'conformance',
  'log',
  'text',
  'files',
  'rights',
  'locks',
  'unfinished',
  'faults',
  'handles',
  'triggers',
  'history',
  'edits',
]
const FILES = [...NAMES.map(name => `test/sqlite/${name}.test.ts`), 'test/hostile/sqlite.test.ts']

const pathOf = (url: string) => fileURLToPath(new URL(url, import.meta.url))

interface Report {
  readonly numPassedTests: number
  readonly testResults: readonly {
    readonly name: string
    readonly assertionResults: readonly { readonly fullName: string; readonly status: string }[]
  }[]
}

/** Runs this folder's tests by another Node. */
async function runBy(node: string, report: string): Promise<Report> {
  const vitest = pathOf('../../node_modules/vitest/vitest.mjs')
  const args = ['run', '--maxWorkers=1', '--reporter=json', `--outputFile=${report}`]
  const inherited = Object.entries(process.env).filter(([name]) => !name.startsWith('VITEST'))
  const env = { ...Object.fromEntries(inherited), TMPDIR: fastFolder(), NODE_SQLITE_ALONE: '1' }
  const options = { cwd: pathOf('../..'), env, maxBuffer: 2 ** 30 }
  // Failures are in the report.
  await promisify(execFile)(node, [vitest, ...args, ...FILES], options).catch(() => {})
  return JSON.parse(await readFile(report, 'utf8'))
}

describe.skipIf(process.getBuiltinModule('node:sqlite') !== undefined)('On node:sqlite', { timeout: 600_000 }, () => {
  it('everything works that works on libsql', async () => {
    const { numPassedTests, testResults } = await runBy(await modernNode(24), await fileIn('report.json'))
    const tests = testResults.flatMap(({ assertionResults }) => assertionResults)
    const failed = tests.filter(({ status }) => status !== 'passed' && status !== 'skipped' && status !== 'pending')
    expect(failed.map(({ fullName }) => fullName)).toEqual([])
    expect(testResults.map(({ name }) => relative(pathOf('../..'), name)).sort()).toEqual([...FILES].sort())
    for (const { assertionResults } of testResults) expect(assertionResults.length).toBeGreaterThan(0)
    expect(tests.some(({ fullName }) => fullName.includes('SqliteBackend on node:sqlite'))).toBe(true)
    console.log(`On node:sqlite: ${numPassedTests} tests passed`)
  })
})
