import { copyFile, readFile, rm } from 'node:fs/promises'
import { afterEach, describe, expect, test } from 'vitest'
import { type EverywhereProgress, NotEverywhereError, SqliteDict } from '../../src/index.js'
import { TIMING_OPTION } from '../../src/replica/presence-timing.js'
import { rawHandle } from './backend.js'
import { type Child, children } from './child.js'
import { folders } from './folder.js'

const fileIn = folders()
const startChild = children()

/** Longer than any test, in ms. */
const LONG = 600_000
const BOUND = 300
const OFTEN = { ttl: 200, renewEvery: 40 }

const opened: SqliteDict[] = []
afterEach(async () => {
  await Promise.all(opened.splice(0).map(dict => dict.close()))
})

async function open(file: string, options: object = {}): Promise<SqliteDict> {
  const dict = await SqliteDict.open('d', file, options)
  opened.push(dict)
  return dict
}

/** Resolves when the kernel has stopped the process. */
async function stopped({ process: { pid } }: Child): Promise<void> {
  for (;;) {
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8')
    if (stat.slice(stat.lastIndexOf(')') + 2).startsWith('T')) return
    await new Promise(resolve => setTimeout(resolve, 2))
  }
}

async function stop(child: Child): Promise<void> {
  child.process.kill('SIGSTOP')
  await stopped(child)
}

/** Writes everywhere, and returns how long that took, in ms, and when it was over, in ns. */
async function writeEverywhere(dict: SqliteDict, value: unknown): Promise<{ took: number; over: bigint }> {
  const before = performance.now()
  await dict.set('a', value, { everywhere: true })
  return { took: performance.now() - before, over: process.hrtime.bigint() }
}

/** The child must not have begun to read the value after this time. */
async function expectNoReadAfter(child: Child, value: unknown, over: bigint): Promise<void> {
  const latest = await child.do<string | undefined>('latestRead', value)
  expect(BigInt(latest ?? 0), 'an older value was read after the write was everywhere').toBeLessThan(over)
}

/** Resolves when the child reads the value from memory. */
async function reads(child: Child, value: unknown): Promise<void> {
  while ((await child.do('latestRead', value)) === undefined) await new Promise(resolve => setTimeout(resolve, 2))
}

describe('a write everywhere', { timeout: 30_000 }, () => {
  test('takes a moment with live processes, whatever their bound is, and names the one that is stopped', async () => {
    const file = await fileIn()
    const dict = await open(file)
    const all = await Promise.all([startChild(), startChild(), startChild()])
    for (const child of all) await child.do('open', 'd', file, { live: true, maxStaleness: LONG, service: 'reader' })
    const { took } = await writeEverywhere(dict, 1)
    expect(took).toBeLessThan(LONG / 10)
    for (const child of all) expect(await child.do('local')).toEqual([['a', 1]])
    const silent = all[0] as Child
    await stop(silent)
    const pids = (identities: readonly { pid: number }[]) => identities.map(({ pid }) => pid)
    const error = await dict.set('a', 2, { everywhere: { timeout: 1 } }).catch(error => error)
    expect(error).toBeInstanceOf(NotEverywhereError)
    expect(pids(error.waitingFor)).toContain(silent.process.pid)
    const seen: EverywhereProgress[] = []
    const onProgress = (progress: EverywhereProgress) => {
      seen.push(progress)
      // Only the stopped one is missing.
      if (progress.current === 2) silent.process.kill('SIGCONT')
    }
    await dict.set('a', 3, { everywhere: { onProgress } })
    expect(pids(seen.find(({ current }) => current === 2)?.waitingFor ?? [])).toEqual([silent.process.pid])
    expect(seen.at(-1)).toEqual({ current: 3, total: 3, waitingFor: [] })
    for (const child of all) expect(await child.do('local')).toEqual([['a', 3]])
  })

  test.each([
    ['before it registers', 'register', 'before'],
    ['between registering and loading', 'register', 'after'],
    ['after it has loaded', 'load', 'after'],
  ] as const)('is right for a process that stops %s', async (_, method, when) => {
    const file = await fileIn()
    const dict = await open(file)
    await dict.set('a', 'old')
    const child = await startChild()
    await child.do('stopAt', method, when)
    const opening = child.do('open', 'd', file, { maxStaleness: BOUND })
    await stopped(child)
    const { took, over } = await writeEverywhere(dict, 'new')
    if (method !== 'register' || when !== 'before') expect(took).toBeGreaterThanOrEqual(BOUND)
    child.process.kill('SIGCONT')
    await opening
    await child.do('readAgain')
    await child.do('call', 'sync')
    await reads(child, 'new')
    await expectNoReadAfter(child, 'old', over)
  })

  test.each([
    ['while it relies on memory', 'changesSince', 'after'],
    ['between applying and acknowledging', 'acknowledge', 'before'],
    ['after it has acknowledged', 'acknowledge', 'after'],
  ] as const)('is right for a process that stops %s', async (_, method, when) => {
    const file = await fileIn()
    const dict = await open(file)
    await dict.set('a', 'old')
    const child = await startChild()
    await child.do('open', 'd', file, { live: true, maxStaleness: BOUND })
    await child.do('readAgain')
    await reads(child, 'old')
    await child.do('stopAt', method, when)
    const { took, over } = await writeEverywhere(dict, 'new')
    if (when === 'before' || method === 'changesSince') expect(took).toBeGreaterThanOrEqual(BOUND)
    await stopped(child)
    child.process.kill('SIGCONT')
    await child.do('call', 'sync')
    await reads(child, 'new')
    await expectNoReadAfter(child, 'old', over)
  })

  test('does not wait for a process that was stopped for longer than its TTL, which then checks before it reads', async () => {
    const file = await fileIn()
    const dict = await open(file, { [TIMING_OPTION]: OFTEN })
    await dict.set('a', 'old')
    const child = await startChild()
    await child.do('open', 'd', file, { live: true, maxStaleness: LONG, timing: OFTEN })
    await child.do('readAgain')
    await reads(child, 'old')
    // Not at any moment: a process that is stopped inside a transaction keeps all others from writing.
    await child.do('stopAt', 'register', 'before')
    await stopped(child)
    const { over } = await writeEverywhere(dict, 'new')
    child.process.kill('SIGCONT')
    await reads(child, 'new')
    await expectNoReadAfter(child, 'old', over)
  })

  test('owes nothing when its process is killed before it resolves', async () => {
    const file = await fileIn()
    const dict = await open(file, { [TIMING_OPTION]: OFTEN })
    const [silent, writer] = [await startChild(), await startChild()]
    await silent.do('open', 'd', file, { live: true, maxStaleness: LONG })
    await writer.do('open', 'd', file, { maxStaleness: LONG, timing: OFTEN })
    await stop(silent)
    void writer.do('call', 'set', 'a', 1, { everywhere: true })
    while ((await dict.get('a')) !== 1) await new Promise(resolve => setTimeout(resolve, 2))
    await writer.kill()
    silent.process.kill('SIGCONT')
    const { took } = await writeEverywhere(dict, 2)
    expect(took).toBeLessThan(LONG / 10)
  })
})

describe('a bound', { timeout: 30_000 }, () => {
  test('that a killed process left behind disappears by itself', async () => {
    const file = await fileIn()
    const dict = await open(file, { [TIMING_OPTION]: OFTEN })
    const child = await startChild()
    await child.do('open', 'd', file, { maxStaleness: LONG, timing: OFTEN })
    await child.kill()
    const { took } = await writeEverywhere(dict, 1)
    expect(took).toBeLessThan(LONG / 10)
    const raw = await rawHandle(file)
    const bound = () => (raw.prepare('SELECT bound FROM durabledict_heads').get() as { bound: number }).bound
    while (bound() > 0) await new Promise(resolve => setTimeout(resolve, 5))
    raw.close()
  })

  test.each([-3_600_000, 3_600_000])('of a stopped process counts when the clock jumps by %i ms', async jump => {
    const file = await fileIn()
    const dict = await open(file, { [TIMING_OPTION]: { ttl: LONG, renewEvery: 20 } })
    const child = await startChild()
    await child.do('open', 'd', file, { live: true, maxStaleness: BOUND })
    await stop(child)
    const raw = await rawHandle(file)
    raw.exec(`UPDATE durabledict_replicas SET seen_at = seen_at + ${jump}`)
    raw.close()
    const { took } = await writeEverywhere(dict, 1)
    expect(took).toBeGreaterThanOrEqual(BOUND)
  })

  test('that was seen at a time that no Date can hold is listed with another', async () => {
    const file = await fileIn()
    const dict = await open(file, { replicas: false })
    await open(file, { [TIMING_OPTION]: { ttl: LONG, renewEvery: LONG } })
    const raw = await rawHandle(file)
    raw.exec('UPDATE durabledict_replicas SET seen_at = -9000000000000000')
    raw.close()
    const [replica] = await dict.replicas()
    expect(replica?.lastSeen).toEqual(new Date(0))
  })

  test('that a restored file does not have is waited for by a writer that knew it', async () => {
    const file = await fileIn()
    const dict = await open(file)
    await dict.set('a', 'old')
    await copyFile(file, `${file}.backup`)
    await copyFile(`${file}-wal`, `${file}.backup-wal`)
    const reader = await open(file, { autosync: false, maxStaleness: BOUND })
    await dict.set('b', 1)
    await reader.sync()
    for (const suffix of ['-wal', '-shm', '']) await rm(file + suffix, { force: true })
    await copyFile(`${file}.backup-wal`, `${file}-wal`)
    await copyFile(`${file}.backup`, file)
    const { took } = await writeEverywhere(dict, 'new')
    expect(took).toBeGreaterThanOrEqual(BOUND)
    await reader.sync()
    expect(reader.fresh.get('a')).toBe('new')
    // It has registered in the restored file.
    expect((await dict.replicas()).map(({ maxStaleness }) => maxStaleness)).toContain(BOUND)
  })

  test('is not relied on when the file is deleted and the record cannot be renewed', async () => {
    const file = await fileIn()
    const reader = await open(file, { live: true, maxStaleness: LONG, [TIMING_OPTION]: OFTEN })
    expect(reader.fresh.get('a')).toBe(undefined)
    for (const suffix of ['', '-wal', '-shm']) await rm(file + suffix, { force: true })
    const relies = () => {
      try {
        return reader.fresh.get('a') === undefined
      } catch {
        return false
      }
    }
    while (relies()) await new Promise(resolve => setTimeout(resolve, 5))
    expect(reader.local.get('a')).toBe(undefined)
  })
})
