import { fork } from 'node:child_process'
import { once } from 'node:events'
import { access, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { findServer } from '../servers/find.js'
import { freePort } from '../servers/port.js'
import { redis } from '../servers/redis.js'
import { startServer } from '../servers/start.js'
import type { Server, ServerSpec } from '../servers/types.js'

const nowhere: ServerSpec = {
  name: 'Nowhere',
  variable: 'NOWHERE_URL',
  binaries: ['nowhere-server'],
  command: ({ binary }) => [binary],
  url: port => `nowhere://127.0.0.1:${port}`,
}

async function ask(port: number, question: string): Promise<string> {
  const socket = connect(port, '127.0.0.1').setEncoding('utf8')
  socket.write(question)
  const [answer] = await once(socket, 'data')
  socket.destroy()
  return answer
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}

function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  )
}

const expectGone = ({ pid, folder }: { pid: number; folder: string }) =>
  vi.waitFor(
    async () => expect({ alive: isAlive(pid), kept: await exists(folder) }).toEqual({ alive: false, kept: false }),
    10_000,
  )

/** Responds like Docker's client, and runs the local Redis on the published port. */
async function standInForDocker(): Promise<string> {
  const found = await findServer(redis)
  if (found.source !== 'binary') throw new Error(`needs a local redis-server, found ${found.source}`)
  return `#!/bin/sh
case "$1" in
  info) echo 28.0.0 ;;
  run) exec '${found.binary}' --save '' --port "$(echo "$*" | sed 's/.* 127.0.0.1:\\([0-9]*\\):1234 nowhere:1$/\\1/')" ;;
  rm) touch "$(dirname "$0")/removed" ;;
esac`
}

const running = (server: Server) => server as Required<Server>

// Whatever the environment points at, these tests start their own servers.
beforeEach(() => vi.stubEnv('REDIS_URL', ''))
afterEach(() => vi.unstubAllEnvs())

describe('a free port', () => {
  it('is never one used for outgoing connections, and is never returned twice', async () => {
    const ports = await Promise.all(Array.from({ length: 200 }, freePort))
    expect(new Set(ports).size).toBe(ports.length)
    expect(Math.min(...ports)).toBeGreaterThan(1024)
    expect(Math.max(...ports)).toBeLessThan(32_768)
  })
})

describe('a server on this machine', () => {
  it('responds once started, and leaves nothing behind once stopped', async () => {
    const server = running(await startServer(redis))
    expect(await ask(server.port, 'PING\r\n')).toBe('+PONG\r\n')
    expect(server.url).toBe(`redis://127.0.0.1:${server.port}`)
    expect([isAlive(server.pid), await exists(server.folder)]).toEqual([true, true])
    await server.stop()
    expect([isAlive(server.pid), await exists(server.folder)]).toEqual([false, false])
    await server.stop()
  }, 300_000)

  it("restarts on its port with its data if the folder is the caller's", async () => {
    const folder = await mkdtemp(join(tmpdir(), 'durabledict-test-'))
    const first = running(await startServer(redis, { folder }))
    expect(await ask(first.port, 'SET k v\r\n')).toBe('+OK\r\n')
    await first.stop()
    const second = await startServer(redis, { folder, port: first.port })
    expect(await ask(first.port, 'GET k\r\n')).toBe('$1\r\nv\r\n')
    await second.stop()
    await rm(folder, { recursive: true })
  })

  it('stops when frozen', async () => {
    const server = running(await startServer(redis))
    process.kill(server.pid, 'SIGSTOP')
    await server.stop()
    await expectGone(server)
  })

  it.each(['SIGINT', 'SIGTERM', 'SIGKILL'] as const)('stops when %s ends the process that started it', async signal => {
    const child = fork(new URL('../servers/hold-redis.js', import.meta.url), { execArgv: [] })
    const [server] = await once(child, 'message')
    expect(isAlive(server.pid)).toBe(true)
    child.kill(signal)
    await expectGone(server)
  })

  it('is retried with new arguments when another of its ports was taken', async () => {
    const occupied = running(await startServer(redis))
    const buses = [occupied.port]
    const args = async () => ['--cluster-enabled', 'yes', '--cluster-port', `${buses.pop() ?? (await freePort())}`]
    const server = running(await startServer(redis, { args }))
    expect(buses).toEqual([])
    expect(await ask(server.port, 'PING\r\n')).toBe('+PONG\r\n')
    await Promise.all([server.stop(), occupied.stop()])
  })

  it('that does not start reports why', async () => {
    await expect(startServer(redis, { args: ['--no-such-option'] })).rejects.toThrow(
      /^Redis did not start: exit status 1\n[\s\S]*no-such-option/,
    )
  })
})

describe('a server found elsewhere', () => {
  it('is used as the environment points at it, and is not changed', async () => {
    vi.stubEnv('NOWHERE_URL', 'nowhere://example:1234')
    const server = await startServer(nowhere)
    expect(server).toMatchObject({ source: 'environment', url: 'nowhere://example:1234' })
    await server.stop()
  })

  it("is a container if Docker's engine responds", async () => {
    const folder = await mkdtemp(join(tmpdir(), 'durabledict-test-'))
    await writeFile(join(folder, 'docker'), await standInForDocker(), { mode: 0o755 })
    vi.stubEnv('PATH', `${folder}:${process.env.PATH}`)
    const docker = { image: 'nowhere:1', port: 1234 }
    const server = running(await startServer({ ...nowhere, docker }))
    expect(server.source).toBe('docker')
    expect(await ask(server.port, 'PING\r\n')).toBe('+PONG\r\n')
    await server.stop()
    await expectGone(server)
    expect(await exists(join(folder, 'removed'))).toBe(true)
    await rm(folder, { recursive: true })
  })

  it('is missing everywhere: one line names the remedy', async () => {
    await expect(startServer(nowhere)).rejects.toThrow(
      /^No Nowhere server to test with: install nowhere-server, or start Docker, or set NOWHERE_URL\.$/,
    )
  })
})
