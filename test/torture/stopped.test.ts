import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { prepare } from '../../scripts/prepare.js'
import { copyOfDist } from '../../torture/builds.js'
import { readJournals } from '../../torture/conductor/journals.js'
import { Worker } from '../../torture/conductor/worker.js'
import type { WorkerPlan } from '../../torture/worker.js'
import { redis } from '../servers/redis.js'
import { startServer } from '../servers/start.js'
import type { Server } from '../servers/types.js'

const BOUND = 200

let dist: Awaited<ReturnType<typeof copyOfDist>>
let folder: string
let server: Server
let started = 0
const workers: Worker[] = []

beforeAll(async () => {
  await prepare({ build: true })
  dist = await copyOfDist()
  folder = await mkdtemp(join(tmpdir(), 'durabledict-stopped-'))
  server = await startServer(redis)
})

afterAll(async () => {
  await Promise.all(workers.map(worker => worker.kill()))
  await server.stop()
  await dist.remove()
  await rm(folder, { recursive: true, force: true })
})

const STORES: Record<string, () => WorkerPlan['store']> = {
  SqliteDict: () => ({ type: 'sqlite', file: join(folder, 'stopped.db') }),
  'RedisDict, node-redis': () => ({ type: 'redis', url: server.url, client: 'node-redis' }),
  'RedisDict, ioredis': () => ({ type: 'redis', url: server.url, client: 'ioredis' }),
}

async function start(store: WorkerPlan['store'], journals: string, options: WorkerPlan['sessions'][0]['options']) {
  started += 1
  const common = { dist: dist.folder, store, seed: 1 }
  const name = `p${started}`
  const worker = await Worker.start({
    ...common,
    name,
    sessions: [{ options }],
    journal: join(journals, `${name}.jsonl`),
  })
  workers.push(worker)
  return worker
}

describe.each(Object.entries(STORES))('%s: a process stopped for longer than its bound', (_name, store) => {
  it.each([
    ['live', { maxStaleness: BOUND, live: true }],
    ['not live', { maxStaleness: BOUND }],
  ])('never returns a value that was replaced everywhere meanwhile: %s', async (_mode, options) => {
    const journals = await mkdtemp(join(folder, 'journals-'))
    const [writer, reader] = await Promise.all([start(store(), journals, {}), start(store(), journals, options)])
    await writer.call(0, 'set', 'key')
    await reader.call(0, 'sync')
    // It reads as fast as it can when it is stopped, so that its first action afterwards is a read.
    const reading = reader.order('spin', 0, 'key', 900)
    await new Promise(resolve => setTimeout(resolve, BOUND / 2))
    reader.signal('SIGSTOP')
    await writer.call(0, 'set', 'key', { everywhere: true })
    reader.signal('SIGCONT')
    await reading
    const now = await reader.call(0, 'get', 'key')

    const { history, figures } = await readJournals(journals)
    const [first, last] = history.operations.filter(({ kind }) => kind === 'set')
    const readings = history.operations.filter(({ kind }) => kind === 'read')
    expect(now).toBe(last?.value)
    expect(history.faults).toEqual([])
    // Before it was stopped it returned the old value; afterwards it returned the new one or rejected.
    expect(readings.some(({ result }) => result === first?.value)).toBe(true)
    const end = last?.end ?? 0
    expect(readings.filter(({ begin, result }) => begin > end && result !== last?.value)).toEqual([])
    expect(figures.get('everywhere')).toBe(1)
    expect(end - (last?.begin ?? 0)).toBeGreaterThan(BOUND)
  })
})
