import { fork } from 'node:child_process'
import { once } from 'node:events'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { createClient } from 'redis'
import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest'
import { openDict } from '../../src/index.js'
import { redis } from '../servers/redis.js'
import { startServer } from '../servers/start.js'
import type { Server } from '../servers/types.js'
import { startEditingProxy } from './editing-proxy.js'
import { cli, temporaryFolder } from './support.js'

let server: Server
beforeAll(async () => {
  server = await startServer(redis)
})
afterAll(() => server.stop())

async function proxied(name: string) {
  const proxy = await startEditingProxy(Number(new URL(server.url).port))
  onTestFinished(() => proxy.close())
  const dict = await openDict(`${server.url}#${name}`)
  // The server knows the scripts from then on.
  await dict.set('before', 1)
  await dict.close()
  return { proxy, url: `redis://127.0.0.1:${proxy.port}#${name}` }
}

it('exits with 5 if the answer to a write is lost, and says to read the key', async () => {
  const { proxy, url } = await proxied('ambiguous')
  proxy.loseAnswerTo = 'lost-answer'
  const { code, stdout, stderr } = await cli(['set', 'a', 'lost-answer', '--string', '--url', url, '--timeout', '4000'])
  expect([code, stdout, stderr]).toEqual([
    5,
    '',
    expect.stringMatching(/may or may not have taken effect.*Read the key/),
  ])
  const client = await createClient({ url: server.url }).connect()
  expect(await client.hGet('ambiguous', 'a')).toBe('"lost-answer"')
  client.destroy()
})

it('doctor finds a server of an older version', async () => {
  const { proxy, url } = await proxied('old')
  proxy.edit = reply => reply.replace(/(redis_version:)\d/, '$16').replace(/valkey_version/, 'another_facts_')
  const findings = JSON.parse((await cli(['doctor', '--url', url])).stdout)
  expect(findings).toEqual([
    expect.objectContaining({ check: 'version', severity: 'error', advice: expect.stringContaining('Redis 7.0') }),
  ])
})

it('doctor finds a store whose clock is off', async () => {
  const { proxy, url } = await proxied('clock')
  proxy.edit = reply =>
    reply.replace(/\*2\r\n\$10\r\n(\d{10})\r\n/, (_, seconds) => `*2\r\n$10\r\n${Number(seconds) + 3_600}\r\n`)
  const findings = JSON.parse((await cli(['doctor', '--url', url])).stdout)
  expect(findings).toEqual([
    expect.objectContaining({ check: 'clock', message: expect.stringMatching(/3\d{3} seconds ahead/) }),
  ])
})

it('set --everywhere says which of several processes it waits for', async () => {
  await using folder = await temporaryFolder()
  const program = fileURLToPath(new URL('../console/other-process.js', import.meta.url))
  const processes = [1, 2].map(() => fork(program, [join(folder.path, 'app.db'), server.url]))
  onTestFinished(() => {
    for (const one of processes) one.kill('SIGKILL')
  })
  await Promise.all(processes.map(one => once(one, 'message')))
  const url = `${server.url}#settings`
  const registered = async () => JSON.parse((await cli(['replicas', '--url', url])).stdout).length
  await expect.poll(registered).toBe(2)
  processes[1]?.kill('SIGSTOP')
  let progress = ''
  const onOutput = (text: string, stream: string) => {
    if (stream === 'stderr') progress += text
    if (progress.includes('1 of 2 processes')) processes[1]?.kill('SIGCONT')
  }
  expect((await cli(['set', 'a', '1', '--everywhere', '--url', url], { onOutput })).code).toBe(0)
  expect(progress).toContain(`1 of 2 processes; waiting for ${hostname()} (web)\n`)
  expect(progress).toContain('2 of 2 processes\n')
})
