import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { prepare } from '../../scripts/prepare.js'
import { MemoryBackend } from '../../src/backends/memory/memory-backend.js'
import { conformance, type Subject } from '../../src/conformance/index.js'
import { MemoryStore } from '../../src/index.js'
import { LONG } from '../form.js'
import { report } from './collecting-runner.js'

const subject: Subject = {
  name: 'MemoryBackend',
  create() {
    const store = new MemoryStore()
    return { backend: () => new MemoryBackend(store), dispose() {} }
  },
}

test('runs under node:test', { timeout: 60_000 }, async () => {
  // Users get the built package.
  await prepare()
  const file = fileURLToPath(new URL('with-node-test.js', import.meta.url))
  const { stdout } = await promisify(execFile)(process.execPath, ['--test', '--test-reporter=tap', file])
  const count = (what: string) => Number(new RegExp(`^# ${what} (\\d+)$`, 'm').exec(stdout)?.[1])
  expect(count('fail')).toBe(0)
  expect(count('pass')).toBeGreaterThan(LONG ? 150 : 20)
  expect(count('skipped')).toBeGreaterThan(20)
})

test('accepts it() instead of test(), and does not need skip()', () => {
  const names: string[] = []
  const it = (name: string) => names.push(name)
  const describe = (_: string, register: () => void) => register()
  conformance({ describe, it }, { ...subject, missing: { commit: 'none' } })
  expect(names.length).toBeGreaterThan(400)
  expect(names.filter(name => name.includes('[no commit: '))).toEqual([])
})

/** The most stores that tests of stores without an answer use at the same time, under a runner of one test at a time. */
async function storesAtOnce(sequential: boolean): Promise<number> {
  let [present, most] = [0, 0]
  const create = async () => {
    const fixture = await subject.create()
    most = Math.max(most, ++present)
    return { backend: () => fixture.backend(), dispose: () => void present-- }
  }
  const runs: (() => Promise<void>)[] = []
  const describe = (title: string, register: () => void) => {
    if ([subject.name, 'a store that does not answer'].includes(title)) register()
  }
  conformance({ describe, test: (_, run) => runs.push(run) }, { ...subject, create, sequential })
  for (const run of runs.slice(0, 3)) await run()
  return most
}

test('starts tests that wait ahead of their turn, unless the subject is sequential', async () => {
  expect(await storesAtOnce(false)).toBeGreaterThan(1)
  expect(await storesAtOnce(true)).toBe(1)
})

test('rejects an object that is not a runner', () => {
  expect(() => conformance({ describe: () => {} }, subject)).toThrow(TypeError)
})

test('reports each deviation with its reason and tests what happens instead', async () => {
  const { failed, skipped } = await report({
    ...subject,
    modes: LONG ? [{ autosync: false }] : [],
    missing: { subscribe: 'no server to push' },
    create() {
      const store = new MemoryStore()
      return {
        backend: () => Object.assign(new MemoryBackend(store), { supports: { subscribe: false } }),
        dispose() {},
      }
    },
  })
  expect(failed).toEqual([])
  expect(skipped).toContainEqual(
    expect.stringMatching(/subscribe\(\) reports changes by others.*\[no subscribe: no server to push\]/),
  )
})

test('fails if the subject has a capability that it declares missing', async () => {
  const { failed } = await report({ ...subject, modes: [], missing: { subscribe: 'not so' } }, /the four methods/)
  expect(failed).toEqual(['MemoryBackend > the four methods > the subject declares what the backend lacks'])
})
