import { type ChildProcess, execFile, fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { Kysely, PostgresDialect } from 'kysely'
import pg from 'pg'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { versionTables } from '../../../src/backends/model/versions/tables.js'
import {
  type DurableDict,
  HistoryError,
  kyselyManager,
  ModelDict,
  RedisDict,
  SqliteDict,
  ZookeeperDict,
} from '../../../src/index.js'
import { postgres } from '../../servers/postgres.js'
import { redis } from '../../servers/redis.js'
import { startServer } from '../../servers/start.js'
import type { Server } from '../../servers/types.js'
import { zookeeper } from '../../servers/zookeeper.js'

const root = fileURLToPath(new URL('../../..', import.meta.url))
const PACKAGE = fileURLToPath(new URL('durabledict-before-history.tgz', import.meta.url))
const PROGRAM = fileURLToPath(new URL('program.js', import.meta.url))

let folder: string
const steps: (() => unknown)[] = []

beforeAll(async () => {
  // Below the repository, so that the package finds the drivers.
  await mkdir(join(root, '.cache'), { recursive: true })
  folder = await mkdtemp(join(root, '.cache', 'previous-'))
  await promisify(execFile)('tar', ['-xzf', PACKAGE, '-C', folder])
})

afterEach(async () => {
  for (const step of steps.splice(0).reverse()) await step()
})

afterAll(() => rm(folder, { recursive: true, force: true }))

/** A dictionary of the previous release, in a process of its own. */
class Previous {
  readonly #child: ChildProcess
  #calls = 0

  private constructor(child: ChildProcess) {
    this.#child = child
  }

  static async open(store: string, place: string): Promise<Previous> {
    const child = fork(PROGRAM, [join(folder, 'package'), store, place], { execArgv: [] })
    const ended = once(child, 'exit').then(() => Promise.reject(new Error('The previous release did not open it.')))
    steps.push(() => child.kill('SIGKILL'))
    ended.catch(() => {})
    await Promise.race([once(child, 'message'), ended])
    return new Previous(child)
  }

  async call(command: string, ...args: unknown[]): Promise<unknown> {
    this.#calls += 1
    const id = this.#calls
    this.#child.send({ id, command, args })
    for (;;) {
      const [answer] = (await once(this.#child, 'message')) as [{ id?: number; value?: unknown; error?: string }]
      if (answer.id !== id) continue
      if (answer.error !== undefined) throw new Error(answer.error)
      return answer.value
    }
  }
}

interface Place {
  readonly place: string
  open(): Promise<DurableDict>
}

const PLACES: Record<string, () => Promise<Place>> = {
  async sqlite() {
    const file = join(folder, `${Math.random()}.db`)
    return { place: file, open: () => SqliteDict.open('settings', file, { live: true }) }
  },
  async redis() {
    const { url } = await started(redis)
    return { place: url, open: () => RedisDict.open('settings', url, { live: true }) }
  },
  async zookeeper() {
    const address = (await started(zookeeper)).url.replace(/^zookeeper:\/\//, '')
    return { place: address, open: () => ZookeeperDict.open('/settings', address, { live: true }) }
  },
  async model() {
    const { url } = await started(postgres)
    const pool = new pg.Pool({ connectionString: url, max: 4 })
    // The server's end reaches connections that are about to close.
    pool.on('error', () => {})
    steps.push(() => pool.end())
    for (const sql of versionTables('postgresql')) await pool.query(sql)
    await pool.query('CREATE TABLE settings (key text PRIMARY KEY, value text NOT NULL)')
    const db = new Kysely<object>({ dialect: new PostgresDialect({ pool }) })
    return { place: url, open: () => ModelDict.open(kyselyManager(db, 'settings'), { live: true }) }
  },
}

async function started(spec: Parameters<typeof startServer>[0]): Promise<Server> {
  const server = await startServer(spec)
  steps.push(() => server.stop())
  return server
}

async function until(holds: () => unknown, what: string): Promise<void> {
  for (const end = performance.now() + 20_000; !(await holds()); await delay(10)) {
    if (performance.now() > end) expect.fail(`Not in time: ${what}`)
  }
}

describe.each(Object.keys(PLACES))('a dictionary on %s that the previous release wrote', store => {
  async function start() {
    const { place, open } = await (PLACES[store] as () => Promise<Place>)()
    const old = await Previous.open(store, place)
    await old.call('update', { theme: 'light', perPage: 20, since: null })
    const dict = await open()
    steps.push(() => dict.close())
    return { old, dict }
  }

  test('is read, and its history says that it is not complete', { timeout: 60_000 }, async () => {
    const { dict } = await start()
    expect(dict.local.toObject()).toEqual({ theme: 'light', perPage: 20, since: null })
    await dict.set('theme', 'dark', { by: 'ada' })
    const commits = dict.history()
    expect((await commits.toArray()).map(({ by, changes }) => [by, changes[0]?.before, changes[0]?.after])).toEqual([
      ['ada', 'light', 'dark'],
    ])
    expect(commits.complete).toBe(false)
    await expect(dict.at(new Date(0))).rejects.toThrow(HistoryError)
  })

  test('is written and followed live by both releases at once', { timeout: 60_000 }, async () => {
    const { old, dict } = await start()
    for (let round = 0; round < 5; round += 1) {
      await dict.set('theme', `new ${round}`, { by: 'ada', reason: 'both' })
      await until(async () => (await old.call('local', 'theme')) === `new ${round}`, 'the previous release follows')
      expect(await old.call('get', 'theme')).toBe(`new ${round}`)
      await old.call('set', 'theme', `old ${round}`)
      await until(() => dict.local.get('theme') === `old ${round}`, 'this release follows')
      expect(await dict.get('theme')).toBe(`old ${round}`)
    }
    await dict.set('perPage', 50)
    // What the previous release wrote has no commits: the history begins again after it.
    const commits = dict.history()
    expect((await commits.toArray()).map(({ changes }) => changes[0]?.key)).toEqual(['perPage'])
    expect(commits.complete).toBe(false)
  })
})
