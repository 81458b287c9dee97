import { createHash } from 'node:crypto'
import { copyFile, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import * as z from 'zod'
import { MemoryBackend } from '../../src/backends/memory/memory-backend.js'
import { FaultyBackend } from '../../src/conformance/faulty-backend.js'
import {
  type Change,
  ClosedError,
  DecodingError,
  DurableDict,
  InvalidKeyError,
  InvalidValueError,
  JSONEncoding,
  MemoryDict,
  MemoryStore,
  NoOpEncoding,
  StoreUnavailableError,
  UnsupportedError,
} from '../../src/index.js'
import { replaceFile } from '../../src/last-known/write-file.js'
import { Memory } from '../../src/replica/memory.js'
import { folder } from './matrix.js'
import { TestStore, warnings } from './support.js'

/** A store that is down, and the file that a dictionary has left. */
async function down(entries: object = { theme: 'dark' }, options: object = {}) {
  const store = new TestStore()
  const file = join(await folder(), 'last.json')
  await store.leave(file, entries, options)
  store.fail()
  return { store, file }
}

test('the store comes before the file', async () => {
  const { store, file } = await down({ theme: 'dark' })
  store.heal()
  await (await store.open()).set('theme', 'light')
  const dict = await store.open({ lastKnown: file })
  expect([dict.origin, dict.local.get('theme')]).toEqual(['store', 'light'])
})

test('the file comes before the seed, the seed before the defaults', async () => {
  const { store, file } = await down({ theme: 'seed', onlySeed: 1 })
  const seed = `${file}.seed`
  await copyFile(file, seed)
  store.heal()
  await store.leave(file, { theme: 'file' })
  store.fail()
  const defaults = { theme: 'default', perPage: 20 }
  const fromFile = await store.open({ lastKnown: { file, seed }, defaults })
  expect([fromFile.origin, fromFile.local.get('theme'), fromFile.local.get('perPage')]).toEqual([
    'last-known',
    'file',
    20,
  ])
  expect(fromFile.local.has('onlySeed')).toBe(false)
  const missing = `${file}.missing`
  const fromSeed = await store.open({ lastKnown: { file: missing, seed }, defaults })
  expect([fromSeed.origin, fromSeed.local.get('theme'), fromSeed.local.get('perPage')]).toEqual(['seed', 'seed', 20])
})

test('a seed counts whatever its age, and is never written', async () => {
  const { store, file } = await down({ theme: 'seed' })
  const text = await readFile(file, 'utf8')
  const dict = await store.open({ lastKnown: { file: `${file}.other`, seed: file, maxAge: 1 } })
  expect(dict.origin).toBe('seed')
  store.heal()
  await expect.poll(() => dict.origin).toBe('store')
  await dict.set('theme', 'new')
  await dict.close()
  expect(await readFile(file, 'utf8')).toBe(text)
})

test('without a file that can be used, open rejects and leaves nothing open', async () => {
  const { store, file } = await down()
  const messages = warnings()
  const seed = `${file}.no seed`
  await expect(store.open({ lastKnown: { file: `${file}.2`, seed } })).rejects.toThrow(StoreUnavailableError)
  expect(messages).toEqual([])
})

test('open resolves from the file when the store hangs for as long as the timeout', async () => {
  const { store, file } = await down()
  store.heal()
  const faulty = new FaultyBackend(Object.assign(new MemoryBackend(store.store), { name: 'settings' }))
  faulty.hang('load')
  const dict = await DurableDict.open(faulty.backend, { lastKnown: file, timeout: 100 })
  onTestFinished(() => dict.close())
  expect(dict.origin).toBe('last-known')
  const read = dict.get('theme')
  await expect(read).rejects.toThrow(StoreUnavailableError)
  faulty.heal()
  await expect.poll(() => dict.origin).toBe('store')
})

test('staleness counts from when the state was last known to be current', async () => {
  const { store, file } = await down()
  const at = Date.parse(JSON.parse(await readFile(file, 'utf8')).at)
  await expect.poll(() => Date.now() - at).toBeGreaterThan(50)
  const dict = await store.open({ lastKnown: file })
  expect(dict.staleness).toBeGreaterThan(50)
  expect(dict.staleness).toBeLessThanOrEqual(Date.now() - at + 1)
})

test('a dictionary that starts without its store reports one "stale", then one "fresh"', async () => {
  const { store, file } = await down()
  const dict = await store.open({ lastKnown: file, live: true })
  const events: string[] = []
  dict.on('stale', ({ staleness, cause }) => events.push(`stale ${staleness >= 0} ${(cause as Error).name}`))
  dict.on('fresh', () => events.push(`fresh ${dict.origin}`))
  await expect.poll(() => events).toEqual(['stale true StoreUnavailableError'])
  store.heal()
  await expect.poll(() => events).toEqual(['stale true StoreUnavailableError', 'fresh store'])
  expect(dict.stats()).toMatchObject({ outages: 1 })
})

test('a read that the store answers again is linearizable', async () => {
  const { store, file } = await down()
  const dict = await store.open({ lastKnown: file })
  store.heal()
  const writer = await store.open()
  await writer.set('theme', 'light')
  await expect.poll(() => dict.get('theme').catch(() => 'down')).toBe('light')
  for (let n = 0; n < 50; n += 1) {
    await writer.set('n', n)
    expect(await dict.get('n')).toBe(n)
  }
})

for (const [what, returns] of Object.entries({
  'no entries': { entries: {}, expected: { theme: undefined, other: undefined } },
  'the same entries in another history': { entries: { theme: 'dark', other: 1 }, expected: {} },
  'older entries': { entries: { theme: 'light' }, expected: { theme: 'light', other: undefined } },
})) {
  test(`a store that returns with ${what} is followed`, async () => {
    const { store, file } = await down({ theme: 'dark', other: 1 })
    store.store = new MemoryStore()
    const writer = await MemoryDict.open(store.store)
    await writer.update(returns.entries)
    await writer.close()
    const dict = await store.open({ lastKnown: file })
    const changes: Change[] = []
    dict.on('change', change => void changes.push(change))
    store.heal()
    await expect.poll(() => dict.origin).toBe('store')
    await dict.sync()
    expect(dict.local.toObject()).toEqual(returns.entries)
    const last = Object.fromEntries(changes.map(({ key, value }) => [key, value]))
    expect(last).toEqual(returns.expected)
  })
}

test('snapshots and derived values of the file stay consistent when the store returns', async () => {
  const { store, file } = await down({ theme: 'dark' })
  const dict = await store.open({ lastKnown: file })
  const before = dict.current()
  const derived = dict.derive(state => `${state.get('theme')}!`, { keys: ['theme'] })
  const { local } = dict
  expect(derived.current).toBe('dark!')
  store.heal()
  await (await store.open()).set('theme', 'light')
  await expect.poll(() => local.get('theme')).toBe('light')
  expect([before.get('theme'), derived.current, dict.current().get('theme')]).toEqual(['dark', 'light!', 'light'])
  expect(dict.version).not.toBe(before.version)
})

test('a value of the file that no longer fits breaks only its own key', async () => {
  const { store, file } = await down({ perPage: 20, theme: 'dark' })
  const schema = { perPage: z.number().max(10), theme: z.string() }
  const dict = await store.open({ lastKnown: file, schema } as object)
  expect(() => dict.local.get('perPage')).toThrow(InvalidValueError)
  expect(dict.local.get('theme')).toBe('dark')
})

test('a value that the encoding cannot decode breaks only its own key', async () => {
  const { store, file } = await down({ a: 1, b: 2 }, { encoding: JSONEncoding })
  const covered = (await readFile(file, 'utf8')).replace('["a","1"]', '["a","{"]').split('\n],"checksum"')[0] as string
  const checksum = createHash('sha256').update(covered).digest('hex')
  await writeFile(file, `${covered}\n],"checksum":"sha256:${checksum}"}\n`)
  const dict = await store.open({ lastKnown: file, encoding: JSONEncoding })
  expect(() => dict.local.get('a')).toThrow(DecodingError)
  expect(dict.local.get('b')).toBe(2)
})

test('keys and strictKeys are checked as always', async () => {
  const { store, file } = await down()
  const dict = await store.open({ lastKnown: file, strictKeys: true, defaults: { theme: 'light' } })
  expect(dict.local.get('theme')).toBe('dark')
  expect(() => dict.local.get('other')).toThrow(InvalidKeyError)
})

test('close() while the store hangs ends at once and rejects what waits', async () => {
  const { store, file } = await down()
  const dict = await store.open({ lastKnown: file, timeout: 60_000 })
  store.heal()
  store.hang()
  await expect.poll(() => dict.stats().loads).toBeGreaterThan(1)
  const waiting = [dict.get('theme'), dict.sync(), dict.set('a', 1)]
  const settled = Promise.allSettled(waiting)
  await dict.close()
  for (const { reason } of (await settled) as PromiseRejectedResult[]) expect(reason).toBeInstanceOf(ClosedError)
  expect(dict.local.get('theme')).toBe('dark')
  expect(dict.health()).toMatchObject({ status: 'closed', origin: 'last-known' })
})

test('aborting the signal closes a dictionary that has not reached its store', async () => {
  const { store, file } = await down()
  const aborting = new AbortController()
  const dict = await store.open({ lastKnown: file, signal: aborting.signal })
  const closed = new Promise(resolve => dict.on('close', () => resolve(undefined)))
  aborting.abort()
  await closed
  await expect(dict.get('theme')).rejects.toThrow(ClosedError)
})

test('an error that is not an outage rejects, even with a last known file', async () => {
  const { store, file } = await down()
  await expect(store.open({ lastKnown: file, timeout: -1 })).rejects.toThrow(TypeError)
  await expect(store.open({ lastKnown: file, readOnly: true, maxStaleness: 1_000 })).rejects.toThrow(UnsupportedError)
  const refused = Object.assign(new Error('no rights'), { code: 'EACCES' })
  const backend = Object.assign(new MemoryBackend(new MemoryStore()), {
    name: 'settings',
    refuses: (error: unknown) => error === refused,
  })
  backend.load = () => {
    throw refused
  }
  await expect(DurableDict.open(backend, { lastKnown: file, replicas: false })).rejects.toThrow('no rights')
})

test('an encoding that makes neither text nor bytes is not supported', async () => {
  const lastKnown = join(await folder(), 'last.json')
  await expect(MemoryDict.open(undefined, { lastKnown, encoding: NoOpEncoding })).rejects.toThrow(UnsupportedError)
})

test('a write of 100,000 entries never blocks the event loop for 10 ms of work', async () => {
  const entries = Array.from({ length: 100_000 }, (_, n) => [`key ${n}`, JSON.stringify({ n, list: [n, n] })] as const)
  const memory = new Memory({ version: '1', entries: new Map(entries) }, (_key, value) => ({ value, shareable: true }))
  const file = join(await folder(), 'last.json')
  const head = { name: 'memory', encoding: 'RichEncoding', at: 0 }
  const write = () => replaceFile(file, { ...head, state: memory.freeze() })
  await write()
  const { longest, turns } = await longestTurn(write)
  expect(turns).toBeGreaterThan(300)
  expect(longest).toBeLessThan(10)
})

/** The longest turn of the event loop in ms, while the work lasts. Other processes on this machine do not count. */
async function longestTurn(work: () => Promise<unknown>): Promise<{ longest: number; turns: number }> {
  let [longest, turns, isOver] = [0, 0, false]
  const end = work().finally(() => {
    isOver = true
  })
  while (!isOver) {
    const [since, used] = [performance.now(), process.cpuUsage()]
    await new Promise(resolve => setImmediate(resolve))
    const { user, system } = process.cpuUsage(used)
    longest = Math.max(longest, Math.min(performance.now() - since, (user + system) / 1_000))
    turns += 1
  }
  await end
  return { longest, turns }
}
