import { spawn } from 'node:child_process'
import { readdir } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { fileURLToPath } from 'node:url'
import pg from 'pg'
import { createClient } from 'redis'
import { describe, expect, it } from 'vitest'
import { postgres } from '../servers/postgres.js'
import { redis } from '../servers/redis.js'
import { startServer } from '../servers/start.js'

const pathOf = (relative: string) => fileURLToPath(new URL(relative, import.meta.url))

/** Runs a script to its end, or sends it `signal` once it has printed `after`. */
function run(script: string, args: string[] = [], after?: string) {
  return new Promise<{ status: number | null; stdout: string; stderr: string }>((resolve, reject) => {
    const flags = ['--disable-warning=ExperimentalWarning']
    const child = spawn(process.execPath, [...flags, script, ...args], { stdio: ['ignore', 'pipe', 'pipe'] })
    let [stdout, stderr] = ['', '']
    child.stdout.setEncoding('utf8').on('data', text => {
      stdout += text
      if (after !== undefined && stdout.includes(after)) child.kill('SIGINT')
    })
    child.stderr.setEncoding('utf8').on('data', text => {
      stderr += text
    })
    child.once('error', reject)
    child.once('close', status => resolve({ status, stdout, stderr }))
  })
}

const leftOver = async () => (await readdir(tmpdir())).filter(name => name.startsWith('durabledict-demo-')).length

describe('npm run demo', { timeout: 60_000 }, () => {
  it.concurrent('shows that every process sees every change and no acknowledged write is lost', async () => {
    const { status, stdout, stderr } = await run(pathOf('../../demo/run.js'))
    expect(stderr).toBe('')
    expect(stdout).toMatch(/^ +theme = "dark"( +\d+\.\d ms){4}$/m)
    expect(stdout).toMatch(/^ +perPage deleted( +\d+\.\d ms){4}$/m)
    expect(stdout).toMatch(/^Seen in time: 24 of 24\. Median \d+\.\d ms, slowest \d+\.\d ms\.$/m)
    expect(stdout).toMatch(/^ +acknowledged before the kill +[1-9]\d*$/m)
    expect(stdout).toMatch(/^ +lost +0$/m)
    expect(stdout).toMatch(/^ +half written .* +0$/m)
    expect(stdout).toMatch(/^ +processes whose memory matches the store +3 of 3$/m)
    expect(stdout).toMatch(/^All checks passed\.$/m)
    expect(stdout).not.toContain('\u001b')
    expect(status).toBe(0)
  })

  it.concurrent('works on Redis, too, and leaves nothing behind there', async () => {
    const server = await startServer(redis)
    try {
      const { status, stdout, stderr } = await run(pathOf('../../demo/run.js'), ['--redis', server.url])
      expect(stderr).toBe('')
      expect(stdout).toMatch(/^One dictionary, shared by several processes\. Store: Redis\.$/m)
      expect(stdout).toMatch(/^Seen in time: 24 of 24\. /m)
      expect(stdout).toMatch(/^ +lost +0$/m)
      expect(stdout).toMatch(/^All checks passed\.$/m)
      expect(status).toBe(0)
      const client = await createClient({ url: server.url }).connect()
      expect(await client.keys('durabledict-demo-*')).toEqual([])
      client.destroy()
    } finally {
      await server.stop()
    }
  })

  it.concurrent('shows on PostgreSQL that an edit with SQL is followed, and leaves nothing behind there', async () => {
    const server = await startServer(postgres)
    try {
      const { status, stdout, stderr } = await run(pathOf('../../demo/run.js'), ['--postgres', server.url])
      expect(stderr).toBe('')
      expect(stdout).toMatch(/^One dictionary, shared by several processes\. Store: PostgreSQL\.$/m)
      expect(stdout).toMatch(/^ +maintenance = true, by SQL( +\d+\.\d ms){4}$/m)
      expect(stdout).toMatch(/^Seen in time: 27 of 27\. /m)
      expect(stdout).toMatch(/^ +lost +0$/m)
      expect(stdout).toMatch(/^All checks passed\.$/m)
      expect(status).toBe(0)
      const client = new pg.Client({ connectionString: server.url })
      await client.connect()
      for (const table of ['entries', 'heads', 'changes', 'commits', 'replicas'])
        expect((await client.query(`SELECT FROM durabledict_${table}`)).rowCount, table).toBe(0)
      await client.end()
    } finally {
      await server.stop()
    }
  })

  it.concurrent('names the missing address', async () => {
    const { status, stderr } = await run(pathOf('../../demo/run.js'), ['--redis'])
    expect(stderr).toContain('npm run demo -- --redis redis://')
    expect(status).toBe(1)
  })

  it.concurrent('fails if an acknowledged write is missing', async () => {
    const { status, stdout } = await run(pathOf('./promise-too-much.js'))
    expect(stdout).toMatch(/^ +lost +1$/m)
    expect(stdout).toMatch(/^Some checks FAILED/m)
    expect(status).toBe(1)
  })

  it.concurrent('fails if a change is not seen in time', async () => {
    const { status, stdout } = await run(pathOf('./be-impatient.js'))
    expect(stdout).toMatch(/^Seen in time: 0 of 24\.$/m)
    expect(status).toBe(1)
  })

  it('removes everything when it is interrupted', async () => {
    const before = await leftOver()
    const { status, stderr } = await run(pathOf('../../demo/run.js'), [], 'theme = "dark"')
    expect(stderr).toBe('\nStopped.\n')
    expect(status).toBe(130)
    expect(await leftOver()).toBe(before)
  })

  it('lists the available stores', async () => {
    const { status, stderr } = await run(pathOf('../../demo/run.js'), ['--nowhere'])
    expect(stderr).toBe('Unknown option "--nowhere". Choose a store: --postgres, --redis, --sqlite.\n')
    expect(status).toBe(1)
  })
})
