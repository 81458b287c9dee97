import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'
import { ClosedError, type Encoding, InvalidValueError, SqliteDict, StoreUnavailableError } from '../../src/index.js'
import { inTime } from '../in-time.js'
import { backendOf, rawHandle } from './backend.js'
import { children } from './child.js'
import { folders } from './folder.js'

const fileIn = folders()
const startChild = children()

const fault = (promise: Promise<unknown>) =>
  promise.then(
    () => undefined,
    error => error,
  )

/** A second process that holds the write lock of the file. */
async function holder(file: string) {
  const child = await startChild()
  await child.do('openHandle', file)
  await child.do('exec', 'BEGIN IMMEDIATE')
  return child
}

describe('A lock held by a second process', () => {
  it('is waited for without blocking the process', async () => {
    const file = await fileIn()
    const dict = await SqliteDict.open('d', file)
    const other = await holder(file)
    let done = false
    const writing = dict.set('a', 1).then(() => {
      done = true
    })
    // Several turns of the event loop, and answers of the other process, while it waits.
    for (let n = 0; n < 20; n += 1) await other.do('row', 'SELECT 1')
    expect(await dict.get('a')).toBeUndefined()
    expect(done).toBe(false)
    await other.do('exec', 'COMMIT')
    await writing
    expect(await dict.get('a')).toBe(1)
    await dict.close()
  })

  it('is waited for by any number of calls, without a warning of Node.js', async () => {
    const file = await fileIn()
    await (await SqliteDict.open('d', file)).close()
    const backend = await backendOf('d', file)
    const other = await holder(file)
    const warnings: Error[] = []
    const note = (warning: Error) => void warnings.push(warning)
    process.on('warning', note)
    const writes = Array.from({ length: 20 }, (_, n) => backend.persist(`k${n}`, '1'))
    await other.do('exec', 'COMMIT')
    await Promise.all(writes)
    // A warning is emitted in a later turn of the event loop.
    await new Promise(resolve => setImmediate(resolve))
    process.off('warning', note)
    expect(warnings).toEqual([])
    await backend.close()
  })

  it('for too long makes the write reject, and it never takes effect', async () => {
    const file = await fileIn()
    const dict = await SqliteDict.open('d', file, { timeout: 300 })
    const other = await holder(file)
    const { soon, value: error } = await inTime(2_000, () => fault(dict.set('a', 1)))
    expect(soon).toBe(true)
    expect(error).toBeInstanceOf(StoreUnavailableError)
    expect(error.message).toContain('locked')
    await other.do('exec', 'COMMIT')
    await dict.set('b', 2)
    expect(await dict.keys()).toEqual(['b'])
    await dict.close()
  })

  it('does not delay close() for longer', async () => {
    const file = await fileIn()
    const dict = await SqliteDict.open('d', file, { timeout: 300 })
    await holder(file)
    const writing = fault(dict.set('a', 1))
    await Promise.resolve()
    await dict.close()
    expect([StoreUnavailableError, ClosedError]).toContain((await writing).constructor)
  })

  it('is waited for while a new file is opened', async () => {
    const file = await fileIn()
    const other = await startChild()
    await other.do('openHandle', file)
    await other.do('exec', 'BEGIN EXCLUSIVE')
    const opening = SqliteDict.open('d', file)
    for (let n = 0; n < 20; n += 1) await other.do('row', 'SELECT 1')
    await other.do('exec', 'COMMIT')
    const dict = await opening
    await dict.set('a', 1)
    await dict.close()
  })

  it('for too long makes open() reject', async () => {
    const file = await fileIn()
    const other = await startChild()
    await other.do('openHandle', file)
    await other.do('exec', 'BEGIN EXCLUSIVE')
    const error = await fault(SqliteDict.open('d', file, { timeout: 200 }))
    expect(error).toBeInstanceOf(StoreUnavailableError)
    expect(error.message).toContain('locked')
    await other.do('exec', 'COMMIT')
    await (await SqliteDict.open('d', file)).close()
  })

  it('ends with the process that held it', async () => {
    const file = await fileIn()
    const dict = await SqliteDict.open('d', file)
    const other = await holder(file)
    const writing = dict.set('a', 1)
    await other.kill()
    await writing
    await dict.close()
  })
})

/** Passes bytes on in pieces of any size. */
const bytes: Encoding<Uint8Array> = {
  name: 'Bytes',
  encode: value => new Uint8Array(value as number),
  decode: stored => stored.length,
}

// The system has to provide a gigabyte.
describe('A value that is too large', { timeout: 240_000 }, () => {
  it('is rejected with its key and its whole group, and no other write is', async () => {
    const dict = await SqliteDict.open('d', await fileIn(), { encoding: bytes })
    const all = [dict.set('a', 1), dict.update({ a: 2, large: 1_000_000_001, c: 3 }), dict.set('b', 2)].map(fault)
    const [a, large, b] = await Promise.all(all)
    expect([a, b]).toEqual([undefined, undefined])
    expect(large).toBeInstanceOf(InvalidValueError)
    expect(large).toMatchObject({ key: 'large', dictionary: 'd' })
    expect(await dict.entries()).toEqual([
      ['a', 1],
      ['b', 2],
    ])
    await dict.close()
  })
})

describe('A full disk', () => {
  it('by the limit of the database: nothing is half written, and writes succeed when there is space', async () => {
    const handle = await rawHandle(await fileIn())
    handle.exec('PRAGMA journal_mode = WAL')
    const dict = await SqliteDict.open('d', handle)
    await dict.set('a', 1)
    handle.exec('PRAGMA max_page_count = 20')
    const error = await fault(dict.update({ a: 2, big: 'x'.repeat(200_000) }))
    expect(error).toBeInstanceOf(StoreUnavailableError)
    expect(error.message).toContain('no space left')
    expect(await dict.entries()).toEqual([['a', 1]])
    handle.exec('PRAGMA max_page_count = 10000')
    await dict.update({ a: 2, big: 'x'.repeat(200_000) })
    expect(await dict.get('a')).toBe(2)
    await dict.close()
    handle.close()
  })

  it('of the file system: nothing is half written, and writes succeed when there is space', async context => {
    const folder = await mkdtemp(join(tmpdir(), 'durabledict-full-'))
    const run = promisify(execFile)
    const mounted = await run('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', folder]).catch((error: Error) => error)
    if (mounted instanceof Error) {
      await rm(folder, { recursive: true })
      context.skip(`no file system can be mounted here: ${mounted.message}`)
    }
    try {
      const dict = await SqliteDict.open('d', join(folder, 'app.db'))
      const written: number[] = []
      let error: unknown
      for (let n = 0; error === undefined && n < 1_000; n += 1) {
        error = await fault(dict.set(`key${n}`, 'x'.repeat(20_000)))
        if (error === undefined) written.push(n)
      }
      expect(error).toBeInstanceOf(StoreUnavailableError)
      expect((error as Error).message).toContain('no space left')
      expect(written.length).toBeGreaterThan(5)
      expect(await dict.keys()).toHaveLength(written.length)
      await run('mount', ['-o', 'remount,size=4m', folder])
      await dict.set('more', 1)
      await dict.close()
      const fresh = await SqliteDict.open('d', join(folder, 'app.db'))
      expect(await fresh.size()).toBe(written.length + 1)
      await fresh.close()
    } finally {
      // Lazily: an engine may release its files late.
      await run('umount', ['--lazy', folder])
      await rm(folder, { recursive: true })
    }
  })
})
