import { cp } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import type { OwnHandle } from '../../src/backends/sqlite/engine.js'
import {
  AmbiguousWriteError,
  ClosedError,
  DecodingError,
  SqliteDict,
  type SqliteHandle,
  StoreUnavailableError,
} from '../../src/index.js'
import { rawHandle } from './backend.js'
import { children } from './child.js'
import { folders } from './folder.js'

const fileIn = folders()
const startChild = children()

const fault = (promise: Promise<unknown>) =>
  promise.then(
    () => undefined,
    error => error,
  )

/** SQLite's codes, as each of the engines reports them. */
const ENGINES = {
  'node:sqlite': { errcode: (code: number) => ({ code: 'ERR_SQLITE_ERROR', errcode: code }) },
  libsql: { errcode: (code: number) => ({ code: 'SQLITE_SOMETHING', rawCode: code }) },
}
const [BUSY, FULL, IOERR_FSYNC] = [5, 13, 1034] as const

/** A connection on which a statement fails that many times, before or after it took effect. */
async function failing(statement: string, error: object, times = 1, when: 'before' | 'after' = 'before') {
  const handle: OwnHandle = await rawHandle(await fileIn())
  handle.exec('PRAGMA journal_mode = WAL')
  const state = { left: 0, times }
  const faulty: SqliteHandle = {
    exec(sql) {
      if (sql === statement && state.left > 0) {
        state.left -= 1
        if (when === 'after') handle.exec(sql)
        throw Object.assign(new Error('injected'), error)
      }
      return handle.exec(sql)
    },
    prepare: sql => handle.prepare(sql),
  }
  const dict = await SqliteDict.open('d', faulty)
  await dict.set('a', 1)
  state.left = times
  return { dict, handle }
}

describe.each(Object.entries(ENGINES))('COMMIT, when %s fails', (_, { errcode }) => {
  it('with an I/O error: the outcome is ambiguous, and reads return what is stored', async () => {
    const { dict, handle } = await failing('COMMIT', errcode(IOERR_FSYNC))
    const error = await fault(dict.set('a', 2))
    expect(error).toBeInstanceOf(AmbiguousWriteError)
    expect((error as Error).message).toContain('Read the key again')
    expect(await dict.get('a')).toBe(1)
    await dict.set('a', 3)
    expect(await dict.get('a')).toBe(3)
    await dict.close()
    handle.close()
  })

  it('because the disk is full: nothing was written', async () => {
    const { dict, handle } = await failing('COMMIT', errcode(FULL))
    expect(await fault(dict.set('a', 2))).toBeInstanceOf(StoreUnavailableError)
    expect(await dict.get('a')).toBe(1)
    await dict.close()
    handle.close()
  })

  it('because of readers, without WAL: it is retried and takes effect once', async () => {
    const { dict, handle } = await failing('COMMIT', errcode(BUSY), 3)
    await dict.set('a', 2)
    expect(handle.prepare('SELECT number FROM durabledict_heads').get()).toMatchObject({ number: 2 })
    await dict.close()
    handle.close()
  })
})

describe('A commit of the history', () => {
  const { errcode } = ENGINES['node:sqlite']
  const authorsOf = async (dict: SqliteDict) => (await dict.history().toArray()).map(({ by }) => by)

  it('is written once, by its author, when COMMIT is retried', async () => {
    const { dict, handle } = await failing('COMMIT', errcode(BUSY), 3)
    await Promise.all([dict.set('a', 2, { by: 'ada' }), dict.set('b', 2, { by: 'bob' })])
    expect(await authorsOf(dict)).toEqual(['bob', 'ada', undefined])
    await dict.close()
    handle.close()
  })

  it.each([
    ['before', []],
    ['after', ['ada']],
  ] as const)('is there exactly if the write is, when COMMIT fails %s it took effect', async (when, first) => {
    const { dict, handle } = await failing('COMMIT', errcode(IOERR_FSYNC), 1, when)
    expect(await fault(dict.setDefault('b', 2, { by: 'ada' }))).toBeInstanceOf(AmbiguousWriteError)
    expect(await authorsOf(dict)).toEqual([...first, undefined])
    expect(await dict.setDefault('b', 2, { by: 'bob' })).toBe(2)
    expect(await authorsOf(dict)).toEqual([first[0] ?? 'bob', undefined])
    await dict.close()
    handle.close()
  })
})

describe('BEGIN', () => {
  it('that fails for a better-sqlite3 reason is retried', async () => {
    const { dict, handle } = await failing('BEGIN IMMEDIATE', { code: 'SQLITE_BUSY_RECOVERY' }, 3)
    await dict.set('a', 2)
    expect(await dict.get('a')).toBe(2)
    await dict.close()
    handle.close()
  })

  it('that fails with an I/O error: nothing was written', async () => {
    const { dict, handle } = await failing('BEGIN IMMEDIATE', { code: 'SQLITE_IOERR_READ' })
    expect(await fault(dict.set('a', 2))).toBeInstanceOf(StoreUnavailableError)
    expect(await dict.get('a')).toBe(1)
    await dict.close()
    handle.close()
  })
})

describe('A stored value', () => {
  it.each(["'not of this encoding'", "x'00ff'", '5', '1.5'])(
    '%s written by another program fails for its key only',
    async sql => {
      const file = await fileIn()
      const dict = await SqliteDict.open('d', file)
      await dict.update({ good: 'value', bad: 'value' })
      await dict.close()
      const handle = await rawHandle(file)
      handle.exec(`UPDATE durabledict_entries SET value = ${sql} WHERE key = 'bad'`)
      handle.close()
      const again = await SqliteDict.open('d', file)
      expect(await again.get('good')).toBe('value')
      expect(await fault(again.get('bad'))).toBeInstanceOf(DecodingError)
      await again.set('bad', 'mended')
      expect(await again.get('bad')).toBe('mended')
      await again.close()
    },
  )
})

describe('close()', () => {
  it('is idempotent and ends everything', async () => {
    const dict = await SqliteDict.open('d', await fileIn(), { live: true })
    await Promise.all([dict.close(), dict.close()])
    await dict.close()
    expect(await fault(dict.get('a'))).toBeInstanceOf(ClosedError)
    expect(await fault(dict.set('a', 1))).toBeInstanceOf(ClosedError)
  })

  it('leaves the whole dictionary in one file', async () => {
    const file = await fileIn()
    const dict = await SqliteDict.open('d', file)
    await dict.set('a', 1)
    await dict.close()
    await cp(file, `${file}.copy`)
    const copy = await SqliteDict.open('d', `${file}.copy`)
    expect(await copy.get('a')).toBe(1)
    await copy.close()
  })

  it.runIf(process.platform === 'linux')('releases the files, as does a failed open()', async () => {
    const file = await fileIn()
    const child = await startChild({ execArgv: ['--expose-gc'] })
    await child.do('open', 'd', file, { live: true })
    const openFiles = () => child.do('openFiles', file)
    expect(await openFiles()).toBeGreaterThan(0)
    await child.do('call', 'close')
    await expect.poll(openFiles).toBe(0)
    await child.do('openHandle', file)
    await child.do('exec', 'UPDATE durabledict_heads SET format = 2')
    await child.do('closeHandle')
    await expect(child.do('open', 'd', file)).rejects.toMatchObject({ code: 'DURABLEDICT_UNSUPPORTED' })
    await expect.poll(openFiles).toBe(0)
  })
})

describe.skipIf(process.getBuiltinModule('node:sqlite') !== undefined)('Without an engine', () => {
  it('open() names the packages to install', async () => {
    const withoutLibsql = fileURLToPath(new URL('without-libsql.js', import.meta.url))
    const child = await startChild({ execArgv: ['--import', withoutLibsql] })
    const error = await fault(child.do('open', 'd', await fileIn()))
    expect(error).toMatchObject({
      code: 'DURABLEDICT_UNSUPPORTED',
      message: expect.stringContaining('npm install libsql'),
    })
  })
})
