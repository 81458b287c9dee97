import { rename } from 'node:fs/promises'
import { describe, expect, it } from 'vitest'
import type { OwnHandle } from '../../src/backends/sqlite/engine.js'
import { SqliteDict, type SqliteHandle, StoreUnavailableError, UnsupportedError } from '../../src/index.js'
import { rawHandle } from './backend.js'
import { folders } from './folder.js'

const fileIn = folders()

const fault = (promise: Promise<unknown>) =>
  promise.then(
    () => undefined,
    error => error,
  )

const pragma = (handle: SqliteHandle, name: string) =>
  Object.values(handle.prepare(`PRAGMA ${name}`).get() as object)[0]

async function walHandle(): Promise<{ file: string; handle: OwnHandle }> {
  const file = await fileIn()
  const handle = await rawHandle(file)
  handle.exec('PRAGMA journal_mode = WAL')
  return { file, handle }
}

describe("A caller's connection", () => {
  it('is used and left open', async () => {
    const { file, handle } = await walHandle()
    const dict = await SqliteDict.open('d', handle)
    await dict.set('a', 1)
    await dict.close()
    await dict.close()
    expect(handle.prepare('SELECT count(*) AS n FROM durabledict_entries').get()).toMatchObject({ n: 1 })
    const other = await SqliteDict.open('d', file)
    expect(await other.get('a')).toBe(1)
    await other.close()
    handle.close()
  })

  it('keeps its settings', async () => {
    const { handle } = await walHandle()
    handle.exec('PRAGMA synchronous = NORMAL; PRAGMA busy_timeout = 1234')
    const dict = await SqliteDict.open('d', handle)
    await dict.set('a', 1)
    await dict.close()
    expect(pragma(handle, 'synchronous')).toBe(1)
    expect(pragma(handle, 'busy_timeout')).toBe(1234)
    handle.close()
  })

  it.each([
    ['wal', 'NORMAL', 2],
    ['wal', 'OFF', 2],
    ['wal', 'EXTRA', 3],
    ['delete', 'FULL', 3],
    ['truncate', 'NORMAL', 2],
  ])(
    'in mode %s with synchronous=%s writes with the pragmas that durability needs',
    async (journal, synchronous, needed) => {
      const handle = await rawHandle(await fileIn())
      handle.exec(`PRAGMA journal_mode = ${journal}; PRAGMA synchronous = ${synchronous}`)
      const during: unknown[] = []
      const spy: SqliteHandle = {
        exec: sql => {
          if (sql === 'COMMIT') during.push(pragma(handle, 'synchronous'))
          return handle.exec(sql)
        },
        prepare: sql => handle.prepare(sql),
      }
      const dict = await SqliteDict.open('d', spy, { replicas: false })
      await dict.set('a', 1)
      await dict.close()
      expect(during).toEqual([needed, needed])
      handle.close()
    },
  )

  it.for(['off', 'memory'])('in journal mode %s is rejected', async (journal, context) => {
    const handle = await rawHandle(await fileIn())
    handle.exec(`PRAGMA journal_mode = ${journal}`)
    if (pragma(handle, 'journal_mode') !== journal) context.skip('node:sqlite does not let it, being defensive')
    const error = await fault(SqliteDict.open('d', handle))
    expect(error).toBeInstanceOf(UnsupportedError)
    expect((error as Error).message).toContain(`journal_mode=${journal}`)
    handle.close()
  })

  it("can be shared by dictionaries, which see each other's writes at once", async () => {
    const { handle } = await walHandle()
    const [a, b] = [await SqliteDict.open('d', handle), await SqliteDict.open('d', handle)]
    for (let n = 0; n < 5; n += 1) {
      await a.set('n', n)
      expect(await b.get('n')).toBe(n)
      await b.set('m', n)
      expect(await a.get('m')).toBe(n)
    }
    await a.close()
    await b.set('after', 1)
    await b.close()
    handle.close()
  })

  it("updates live memory with the application's own writes", async () => {
    const { handle } = await walHandle()
    const live = await SqliteDict.open('d', handle, { live: true, autosync: false })
    const changed = new Promise(resolve => live.on('change', ({ value }) => resolve(value)))
    const writer = await SqliteDict.open('d', handle)
    await writer.set('a', 'seen')
    expect(await changed).toBe('seen')
    await live.close()
    await writer.close()
    handle.close()
  })

  it('with a transaction of its own is waited for', async () => {
    const { handle } = await walHandle()
    handle.exec('CREATE TABLE own (n)')
    const dict = await SqliteDict.open('d', handle)
    handle.exec('BEGIN; INSERT INTO own VALUES (1)')
    const results = Promise.all([dict.set('a', 1), dict.get('a')])
    await new Promise(setImmediate)
    handle.exec('INSERT INTO own VALUES (2)')
    handle.exec('COMMIT')
    await results
    expect(await dict.get('a')).toBe(1)
    expect(handle.prepare('SELECT count(*) AS n FROM own').get()).toMatchObject({ n: 2 })
    await dict.close()
    handle.close()
  })

  it('with a transaction that lasts too long rejects with an error that says so', async () => {
    const { handle } = await walHandle()
    const dict = await SqliteDict.open('d', handle, { timeout: 200 })
    handle.exec('BEGIN')
    for (const call of [() => dict.get('a'), () => dict.set('a', 1)]) {
      const error = await fault(call())
      expect(error).toBeInstanceOf(StoreUnavailableError)
      expect((error as Error).message).toContain('a transaction of its owner')
    }
    handle.exec('COMMIT')
    expect(await dict.size()).toBe(0)
    await dict.close()
    handle.close()
  })

  it('does not have to report whether a transaction is open', async () => {
    const { handle } = await walHandle()
    const bare = { exec: (sql: string) => handle.exec(sql), prepare: (sql: string) => handle.prepare(sql) }
    const dict = await SqliteDict.open('d', bare, { timeout: 200 })
    await dict.set('a', 1)
    handle.exec('BEGIN')
    expect(await fault(dict.get('a'))).toBeInstanceOf(StoreUnavailableError)
    handle.exec('COMMIT')
    expect(await dict.get('a')).toBe(1)
    await dict.close()
    handle.close()
  })

  it('to a replaced or deleted file rejects', async () => {
    const { file, handle } = await walHandle()
    const dict = await SqliteDict.open('d', handle)
    await dict.set('a', 1)
    await rename(file, `${file}.away`)
    for (const call of [() => dict.get('a'), () => dict.set('a', 2)]) {
      const error = await fault(call())
      expect(error).toBeInstanceOf(StoreUnavailableError)
      expect((error as Error).message).toContain('deleted or replaced')
    }
    await rename(`${file}.away`, file)
    expect(await dict.get('a')).toBe(1)
    await dict.close()
    handle.close()
  })

  it('that its owner has closed rejects', async () => {
    const { handle } = await walHandle()
    const dict = await SqliteDict.open('d', handle)
    handle.close()
    for (const call of [() => dict.get('a'), () => dict.set('a', 1), () => SqliteDict.open('d', handle)]) {
      const error = await fault(call())
      expect(error).toBeInstanceOf(StoreUnavailableError)
      expect((error as Error).message).toContain('is closed')
    }
    await dict.close()
  })

  it('to an in-memory database is only as durable as that', async () => {
    const handle = await rawHandle(':memory:')
    const [a, b] = [await SqliteDict.open('d', handle), await SqliteDict.open('d', handle, { live: true })]
    await a.set('a', 1)
    expect(await b.get('a')).toBe(1)
    await a.close()
    await b.close()
    handle.close()
  })

  it('returns numbers, whatever its own defaults are', async () => {
    const { handle } = await walHandle()
    const { defaultSafeIntegers } = handle as { defaultSafeIntegers?: (on: boolean) => void }
    defaultSafeIntegers?.call(handle, true)
    const dict = await SqliteDict.open('d', handle)
    await dict.set('a', 1)
    await dict.update({ b: 2, c: 3 })
    const other = await SqliteDict.open('d', handle)
    await dict.set('b', 4)
    expect(await other.get('b')).toBe(4)
    await dict.close()
    await other.close()
    handle.close()
  })
})
