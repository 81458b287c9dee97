import { mkdir, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { cli, temporaryFolder } from './support.js'

const built = new URL('../../lib/esm/index.js', import.meta.url).href

let folder: Awaited<ReturnType<typeof temporaryFolder>>
beforeAll(async () => {
  folder = await temporaryFolder()
})
afterAll(() => folder[Symbol.asyncDispose]())

let count = 0

/** A folder of its own with this file. */
async function withConfig(name: string, text: string): Promise<string> {
  count += 1
  const path = join(folder.path, `${count}`)
  await mkdir(path)
  await writeFile(join(path, name), text)
  return path
}

const memory = (defaults: string) => `() => MemoryDict.open(undefined, { defaults: ${defaults} })`
const start = `import { MemoryDict } from ${JSON.stringify(built)}\n`

describe('durabledict.config', () => {
  it('opens the only dictionary that it exports', async () => {
    const where = await withConfig(
      'durabledict.config.mjs',
      `${start}export default { settings: ${memory('{ a: 1 }')} }`,
    )
    expect(await cli(['get', 'a'], { folder: where })).toMatchObject({ code: 0, stdout: '1\n' })
  })

  it('opens one of several by name', async () => {
    const text = `${start}export const one = ${memory('{ a: 1 }')}\nexport const two = ${memory('{ a: 2 }')}`
    const where = await withConfig('durabledict.config.mjs', text)
    expect((await cli(['get', 'a', '-d', 'two'], { folder: where })).stdout).toBe('2\n')
    const none = await cli(['get', 'a'], { folder: where })
    expect([none.code, none.stderr]).toEqual([2, expect.stringContaining('"one", "two"')])
    expect((await cli(['get', 'a', '--dict', 'toString'], { folder: where })).code).toBe(2)
  })

  it.each([
    ['has a syntax error', 'durabledict.config.js', 'export default {'],
    ['throws', 'durabledict.config.mjs', 'throw new Error("no such host")'],
    ['exports nothing', 'durabledict.config.mjs', 'export default {}'],
    ['exports no dictionary', 'durabledict.config.mjs', 'export default { settings: () => ({}) }'],
    ['throws when it opens', 'durabledict.config.mjs', 'export default { settings: () => { throw null } }'],
  ])('that %s ends with 2 and a sentence', async (_what, name, text) => {
    const where = await withConfig(name, text)
    const { code, stderr, stdout } = await cli(['ls'], { folder: where })
    expect([code, stdout]).toEqual([2, ''])
    expect(stderr).toMatch(/^durabledict: .*configuration|^durabledict: durabledict\.config/)
    expect(stderr).not.toContain('    at ')
  })

  it('in TypeScript needs a Node.js that reads it, or jiti', async () => {
    const where = await withConfig('durabledict.config.ts', 'export default { settings: (): object => ({}) as object }')
    const { code, stderr } = await cli(['ls'], { folder: where })
    expect(code).toBe(2)
    expect(stderr).toMatch(
      'typescript' in process.features && process.features.typescript ? /must return an open/ : /install jiti/,
    )
  })

  it('in TypeScript is loaded by the jiti of the project', async () => {
    const text = 'export default { settings: (): object => ({}) as object }'
    const where = await withConfig('durabledict.config.ts', text)
    const modules = fileURLToPath(new URL('../../node_modules', import.meta.url))
    await symlink(modules, join(where, 'node_modules'))
    expect((await cli(['ls'], { folder: where })).stderr).toContain('must return an open dictionary')
  })
})

describe('without a dictionary', () => {
  it('names the ways to say which', async () => {
    const { code, stderr } = await cli(['ls'], { folder: folder.path })
    expect(code).toBe(2)
    for (const way of ['--url', 'DURABLEDICT_URL', 'durabledict.config.js']) expect(stderr).toContain(way)
  })

  it.each([
    ['ls', '--urll', 'x'],
    ['ls', '-x'],
    ['set'],
    ['set', 'a'],
    ['lss'],
    ['ls', '-o', 'yaml'],
    ['get', 'a', 'b'],
    ['ls', '--timeout', '0'],
    [],
  ])('refuses %j %j %j', async (...args) => {
    const { code, stderr } = await cli(
      args.filter(word => word !== undefined),
      { env: { DURABLEDICT_URL: 'sqlite:./x.db#a' }, folder: folder.path },
    )
    expect([code, stderr]).toEqual([2, expect.stringMatching(/\w/)])
  })

  it.each([
    'redis://ada:s3cret@h:1',
    'redis://ada:s3cret@127.0.0.1:1#x',
    'nothing://ada:s3cret@h#x',
    'redis://ada:s3#cret@h#x',
    'postgres://127.0.0.1:1/app?user=ada&password=s3cret#x',
    'nothing://h/s3?authToken=s3cret&sslpassword=cret#x',
  ])('never prints the password of %s', async url => {
    const { stdout, stderr, code } = await cli(['get', 'a', '--url', url, '--timeout', '200'])
    expect(code).toBeGreaterThan(0)
    expect(stdout + stderr).not.toMatch(/s3|cret/)
  })

  it('shows help for each verb, with examples', async () => {
    const { stdout } = await cli(['--help'])
    const verbs = Array.from(stdout.matchAll(/^ {2}([a-z]+) {2,}/gm), ([, name = '']) => name)
    expect(verbs.length).toBeGreaterThan(13)
    for (const verb of verbs) expect((await cli([verb, '--help'])).stdout).toContain('Examples:\n  ')
  })
})
