import { execFile } from 'node:child_process'
import { readdir, readFile } from 'node:fs/promises'
import { relative, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'
import { LANES } from '../../scripts/lanes.js'

const root = fileURLToPath(new URL('../..', import.meta.url))

/** The test files that Vitest finds, once for each lane that has them. */
async function listed(): Promise<string[]> {
  const inherited = Object.entries(process.env).filter(([name]) => !name.startsWith('VITEST'))
  const args = ['node_modules/vitest/vitest.mjs', 'list', '--filesOnly', '--json']
  const options = { cwd: root, env: Object.fromEntries(inherited) }
  const { stdout } = await promisify(execFile)(process.execPath, args, options)
  const files: { file: string }[] = JSON.parse(stdout)
  return files.map(({ file }) => relative(root, file).replaceAll(sep, '/')).sort()
}

describe('the lanes of the tests', () => {
  it('contain each test file exactly once', { timeout: 60_000 }, async () => {
    const present = await readdir(`${root}/test`, { recursive: true })
    const files = present.map(path => `test/${path.replaceAll(sep, '/')}`).filter(path => path.endsWith('.test.ts'))
    expect(await listed()).toEqual(files.sort())
  })

  it('are scripts of package.json', async () => {
    const { scripts } = JSON.parse(await readFile(`${root}/package.json`, 'utf8'))
    for (const lane of Object.keys(LANES)) expect(scripts).toHaveProperty([`test:${lane}`])
  })
})
