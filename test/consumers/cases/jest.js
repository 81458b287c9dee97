// @ts-check
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { runOrThrow } from '../../../scripts/run.js'

/** @import { Case } from './case.js' */

/** A program's tests in plain JavaScript. @param {string} imports how they import the library @param {string} fakeTimers */
const suite = (imports, fakeTimers = '') => `${imports}
describe('a dictionary', () => {
  it('works in the memory, in SQLite and in Redis', async () => {
    for (const dict of [
      await MemoryDict.open(),
      await SqliteDict.open('settings', 'jest.db'),
      await RedisDict.open('jest-' + process.pid, process.env.REDIS_URL ?? '', { live: true }),
    ]) {
      await dict.set('theme', 'dark')
      await dict.update({ perPage: 20, since: new Date(0), tags: new Set(['a']) })
      expect(await dict.get('theme')).toBe('dark')
      expect(await dict.get('since')).toEqual(new Date(0))
      expect(await dict.get('tags')).toEqual(new Set(['a']))
      await expect(dict.getOrThrow('missing')).rejects.toThrow(KeyError)
      await dict.close()
    }
  })

  it('says that a server cannot be reached', async () => {
    const opened = RedisDict.open('jest', 'redis://127.0.0.1:1', { timeout: 300 })
    await expect(opened).rejects.toMatchObject({ code: 'DURABLEDICT_STORE_UNAVAILABLE' })
    await expect(ZookeeperDict.open('/jest', '127.0.0.1:1', { timeout: 300 })).rejects.toBeInstanceOf(StoreUnavailableError)
  })
${fakeTimers}})
`

/** The library keeps the real timers, whatever the test replaces them with. (Redis clients do not.) */
const FAKE_TIMERS = `
  it('works while timers are faked', async () => {
    jest.useFakeTimers()
    for (const dict of [await MemoryDict.open(), await SqliteDict.open('faked', 'jest.db', { live: true })]) {
      await dict.set('n', 1)
      await dict.set('n', 2)
      expect(await dict.get('n')).toBe(2)
      await dict.close()
    }
    jest.useRealTimers()
  })
`

const NAMES = 'KeyError, MemoryDict, RedisDict, SqliteDict, StoreUnavailableError, ZookeeperDict'

/**
 * @param {string} folder
 * @param {Record<string, string | undefined>} env
 * @param {string[]} flags of Node
 */
const runJest = (folder, env, flags = []) =>
  runOrThrow(
    process.execPath,
    [
      ...flags,
      'node_modules/jest/bin/jest.js',
      '--ci',
      '--testTimeout',
      '30000',
      '--rootDir',
      folder,
      '--cacheDirectory',
      join(folder, 'cache'),
    ],
    {
      cwd: folder,
      env: { ...env, NODE_ENV: 'test' },
    },
  )

/** @param {string} folder @param {object} manifest */
const writeManifest = (folder, manifest) =>
  writeFile(join(folder, 'package.json'), JSON.stringify({ private: true, ...manifest }))

/** @type {readonly Case[]} */
export const jest = [
  {
    name: 'Jest in its default CommonJS mode runs tests of a program, also with fake timers',
    short: true,
    tools: ['drivers', 'jest'],
    servers: ['redis'],
    async run({ folder, env }) {
      await writeManifest(folder, { jest: { transform: {} } })
      await writeFile(join(folder, 'dict.test.cjs'), suite(`const { ${NAMES} } = require('durabledict')`, FAKE_TIMERS))
      await runJest(folder, env)
    },
  },
  {
    name: 'Jest runs tests that are ES modules, also with fake timers',
    tools: ['drivers', 'jest'],
    servers: ['redis'],
    async run({ folder, env }) {
      await writeManifest(folder, { type: 'module', jest: { transform: {} } })
      const imports = `import { ${NAMES} } from 'durabledict'\nimport { jest } from '@jest/globals'`
      await writeFile(join(folder, 'dict.test.js'), suite(imports, FAKE_TIMERS))
      await runJest(folder, env, ['--experimental-vm-modules', '--disable-warning=ExperimentalWarning'])
    },
  },
  {
    name: 'ts-jest compiles tests to CommonJS and runs them',
    tools: ['drivers', 'ts-jest'],
    servers: ['redis'],
    async run({ folder, env }) {
      await writeManifest(folder, { jest: { preset: 'ts-jest' } })
      const compilerOptions = {
        target: 'es2022',
        module: 'commonjs',
        moduleResolution: 'node10',
        strict: true,
        types: ['jest', 'node'],
      }
      await writeFile(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions }))
      const typed = "import { createClient } from 'redis'\nimport { SqliteDict as Sqlite } from 'durabledict/sqlite'\n"
      await writeFile(
        join(folder, 'dict.test.ts'),
        suite(`${typed}import { ${NAMES} } from 'durabledict'\nvoid [createClient, Sqlite]`),
      )
      await runJest(folder, env)
    },
  },
]
