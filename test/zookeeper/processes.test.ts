import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { ZookeeperDict } from '../../src/index.js'
import { startLyingServer } from '../hostile/lying-server.js'
import type { ZookeeperNode } from '../servers/types.js'
import { startZookeeperNode } from '../servers/zookeeper-nodes.js'
import { newPath, stepsAfterEach } from './support.js'

const cleanup = stepsAfterEach()
let server: ZookeeperNode

beforeAll(async () => {
  server = await startZookeeperNode()
})

afterAll(() => server.stop())

const LIBRARY = fileURLToPath(new URL('../../lib/esm/index.js', import.meta.url))

/** Runs a program until it ends by itself; returns its output. Rejects if it fails or does not end. */
async function run(program: string, ...args: string[]): Promise<string> {
  const code = `const { ZookeeperDict } = await import(${JSON.stringify(LIBRARY)}); const [path, servers] = process.argv.slice(1); ${program}`
  const options = { timeout: 40_000 }
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', code, ...args], options)
  return stdout.trim()
}

test.each(['{}', '{ live: true }', '{ maxStaleness: 1000 }', '{ resyncEvery: 1000 }'])(
  'a process with an idle dictionary by %s exits',
  async options => {
    const program = `
      const dict = await ZookeeperDict.open(path, servers, ${options}); await dict.set('a', 1)
      dict.watch().next(); console.log(await dict.get('a'))`
    expect(await run(program, newPath(), server.address)).toBe('1')
  },
)

test('a process waits for its calls up to their time limits', async () => {
  const silent = await startLyingServer(() => undefined)
  cleanup.push(() => silent.close())
  const program = `
    await ZookeeperDict.open(path, servers, { timeout: 700 }).catch(error => console.log(error.name))`
  expect(await run(program, newPath(), silent.address)).toBe('StoreUnavailableError')
})

test('several processes that create a dictionary at the same time share it', async () => {
  const path = `${newPath()}/shared`
  const program = `
    const dict = await ZookeeperDict.open(path, servers, { timeout: 15_000 })
    await dict.set('p' + process.pid, 1); console.log(dict.version.split('-')[1])`
  const epochs = await Promise.all(Array.from({ length: 4 }, () => run(program, path, server.address)))
  expect(new Set(epochs).size).toBe(1)
  const dict = await ZookeeperDict.open(path, server.address)
  cleanup.push(() => dict.close())
  expect(dict.local.size).toBe(4)
})
