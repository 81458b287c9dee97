import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { failureOf, failuresIn, listed } from '../../scripts/failures.js'
import { installed, root } from '../../scripts/run.js'

const CONFIG = "export default { test: { name: 'sample', include: ['*.test.js'], maxWorkers: 1 } }"
const TESTS = {
  'tests.test.js': `
    import { beforeAll, describe, expect, it } from 'vitest'
    describe('arithmetic', () => {
      it('adds', () => expect(1 + 1).toBe(3))
      it('subtracts', () => expect(1 - 1).toBe(0))
    })
    describe('a server', () => {
      beforeAll(() => { throw new Error('no port is free', { cause: new Error('EADDRINUSE') }) })
      it('answers', () => {})
    })`,
  'import.test.js': "import './missing.js'",
  'unhandled.test.js': `
    import { it } from 'vitest'
    it('leaves a promise behind', async () => {
      Promise.reject(new Error('nobody waits'))
      await new Promise(resolve => setImmediate(resolve))
    })`,
}

let folder = ''
let lines: string[] = []

/** Runs the tests above as `npm test` runs its own. */
async function run(): Promise<void> {
  await mkdir(join(root, '.cache'), { recursive: true })
  folder = await mkdtemp(join(root, '.cache', 'failures-'))
  for (const [name, text] of Object.entries({ 'vitest.config.js': CONFIG, ...TESTS }))
    await writeFile(join(folder, name), text)
  const inherited = Object.entries(process.env).filter(([name]) => !name.startsWith('VITEST'))
  const env = { ...Object.fromEntries(inherited), FAILURES_FILE: join(folder, 'failures.json') }
  const args = ['run', `--root=${folder}`, `--reporter=${join(root, 'scripts/failures-reporter.js')}`]
  await expect(promisify(execFile)(installed('vitest'), args, { env })).rejects.toMatchObject({ code: 1 })
  lines = listed(await failuresIn(join(folder, 'failures.json')))
}

describe('the list of failures', () => {
  beforeAll(run)
  afterAll(() => rm(folder, { recursive: true, force: true }))

  /** The lines of the failure whose first line ends with these words. */
  function linesOf(where: string): string[] {
    const from = lines.findIndex(line => line.startsWith('✗') && line.endsWith(where))
    const length = lines.slice(from + 1).findIndex(line => line.startsWith('✗'))
    return from < 0 ? [] : lines.slice(from, length < 0 ? undefined : from + 1 + length)
  }

  it('names lane, file, suite and test of a failed test, and its error with its line', () => {
    const [where, ...message] = linesOf('tests.test.js > arithmetic > adds')
    expect(where).toMatch(/^✗ sample \.cache/)
    expect(message.join('\n')).toMatch(/AssertionError: expected 2 to be 3.*\n +at .*tests\.test\.js:4/)
  })

  it('names the suite whose hook failed, with the cause', () => {
    expect(linesOf('tests.test.js > a server').join('\n')).toMatch(
      /Error: no port is free\n.*\n? *cause: Error: EADDRINUSE/,
    )
  })

  it('names a file that cannot be loaded', () => {
    expect(linesOf('import.test.js').join('\n')).toContain('missing.js')
  })

  it('names an unhandled error and the test during which it happened', () => {
    const [where, message] = linesOf('leaves a promise behind')
    expect(where).toMatch(/✗ unhandled error during .*unhandled\.test\.js > /)
    expect(message).toContain('nobody waits')
  })

  it('contains nothing that passed', () => {
    expect(lines.filter(line => line.startsWith('✗'))).toHaveLength(4)
  })
})

describe('the length of the list', () => {
  const failures = (count: number) =>
    Array.from({ length: count }, (_, i) => failureOf(`test ${i}`, 'one\ntwo\nthree\nfour\nfive\nsix\nseven\neight'))

  it.each([1, 2, 3, 7, 19, 20, 21, 500])(
    'is at most 20 lines with %d failures, and none is left out unmentioned',
    count => {
      const lines = listed(failures(count))
      const named = lines.filter(line => line.startsWith('✗')).length
      expect(lines.length).toBeLessThanOrEqual(20)
      expect(lines.at(-1)).toMatch(named < count ? new RegExp(`^and ${count - named} more$`) : /^(✗| {4})/)
    },
  )

  it('is none without a failure', () => {
    expect(listed([])).toEqual([])
  })
})
