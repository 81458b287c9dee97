import { renameSync } from 'node:fs'
import { copyFile, mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { findEngine } from '../../src/backends/sqlite/engine.js'
import { OwnFile } from '../../src/backends/sqlite/own-file.js'
import { setAside } from '../../src/backends/sqlite/set-aside.js'
import { type Identity, isSame } from '../../src/backends/sqlite/source.js'
import { SqliteDict, StoreUnavailableError, type SyncReason } from '../../src/index.js'
import { rawHandle } from './backend.js'
import { children } from './child.js'
import { folders } from './folder.js'

const fileIn = folders()
const startChild = children()

/** A copy of the file, made by SQLite. */
async function backUp(file: string): Promise<string> {
  const copy = `${file}.backup`
  const db = await rawHandle(file)
  db.exec(`VACUUM INTO '${copy}'`)
  db.close()
  return copy
}

async function rejection(promise: Promise<unknown>): Promise<Error & { code?: string }> {
  return promise.then(
    () => Promise.reject(new Error('It resolved.')),
    error => error,
  )
}

const exists = (path: string) =>
  stat(path).then(
    () => true,
    () => false,
  )

describe('A replaced file', () => {
  it.each(['get', 'sync'] as const)('is followed at the next %s', async method => {
    const file = await fileIn()
    const dict = await SqliteDict.open('d', file)
    await dict.set('a', 'old')
    const backup = await backUp(file)
    await dict.set('a', 'new')
    const reasons: SyncReason[] = []
    dict.on('sync', ({ reason }) => reasons.push(reason))
    await rename(backup, file)
    await dict[method]('a')
    expect(dict.local.get('a')).toBe('old')
    expect(reasons).toEqual(['diverged'])
    await dict.set('b', 'after')
    await dict.close()
    const fresh = await startChild()
    await fresh.do('open', 'd', file)
    expect(await fresh.do('local')).toEqual(
      expect.arrayContaining([
        ['a', 'old'],
        ['b', 'after'],
      ]),
    )
  })

  it('is written to at the next write, and the journal of the old file is set aside', async () => {
    const file = await fileIn()
    const [one, two] = [await SqliteDict.open('d', file), await SqliteDict.open('d', file)]
    await one.set('a', 'old')
    const backup = await backUp(file)
    for (let n = 0; n < 10; n += 1) await one.set('a', `new ${n}`)
    await rename(backup, file)
    await one.set('b', 1)
    await two.set('c', 2)
    const expected = [
      ['a', 'old'],
      ['b', 1],
      ['c', 2],
    ]
    expect(await one.entries()).toEqual(expect.arrayContaining(expected))
    expect(await two.entries()).toHaveLength(3)
    const db = await rawHandle(file)
    expect(Object.values(db.prepare('PRAGMA integrity_check').get() as object)[0]).toBe('ok')
    db.close()
    expect((await readdir(dirname(file))).filter(name => name.includes('-wal.replaced-'))).toHaveLength(1)
    await one.close()
    await two.close()
  })

  it('is followed after writers of the old file have ended', async () => {
    const file = await fileIn()
    const dict = await SqliteDict.open('d', file)
    await dict.set('a', 'old')
    const backup = await backUp(file)
    await dict.set('a', 'new')
    const other = await startChild()
    await other.do('openHandle', file)
    await other.do('exec', 'BEGIN IMMEDIATE')
    await rename(backup, file)
    const journal = await stat(`${file}-wal`)
    const [reading, seen] = [dict.get('a'), new Set<unknown>()]
    reading.then(value => seen.add(value))
    for (let n = 0; n < 20; n += 1) await other.do('row', 'SELECT 1')
    expect(seen).toEqual(new Set())
    expect((await stat(`${file}-wal`)).ino).toBe(journal.ino)
    await other.do('exec', 'COMMIT')
    expect(await reading).toBe('old')
    await dict.close()
  })

  it('is followed by a connection that was lost before', async () => {
    const file = await fileIn()
    const source = new OwnFile(file, 'd', await findEngine('d'))
    source.connection().exec('CREATE TABLE t (v)')
    const backup = await backUp(file)
    source.connection().exec('INSERT INTO t VALUES (1)')
    // As long as another connection has the file open, the row is in the journal alone.
    const other = await rawHandle(file)
    other.exec('SELECT * FROM t')
    source.renew()
    await rename(backup, file)
    expect(source.connection().get('SELECT count(*) AS n FROM t')?.n).toBe(0)
    expect(source.connection().pragma('integrity_check')).toBe('ok')
    source.close()
    other.close()
  })

  it('keeps a journal that another process has just created for it', async () => {
    const file = await fileIn()
    await writeFile(`${file}-wal`, 'old')
    const [journal, created] = [await stat(`${file}-wal`), `${file}.created`]
    await writeFile(created, 'new')
    const matches = (one: Identity | undefined, old: Identity | undefined) => {
      const found = isSame(one, old)
      // The other process comes between the look and the move.
      if (found) renameSync(created, `${file}-wal`)
      return found
    }
    setAside(file, { journal, index: undefined }, matches)
    expect(await readFile(`${file}-wal`, 'utf8')).toBe('new')
    expect(await readdir(dirname(file))).toEqual([basename(`${file}-wal`)])
  })

  it('without the dictionary returns an empty one', async () => {
    const file = await fileIn()
    const dict = await SqliteDict.open('d', file)
    await dict.set('a', 1)
    await (await SqliteDict.open('another', `${file}.other`)).close()
    await rename(`${file}.other`, file)
    await dict.set('b', 2)
    expect(await dict.entries()).toEqual([['b', 2]])
    await dict.close()
  })

  it('is noticed by live memory', async () => {
    const file = await fileIn()
    const dict = await SqliteDict.open('d', file, { live: true, autosync: false })
    await dict.set('a', 'old')
    const backup = await backUp(file)
    await dict.set('a', 'new')
    const synced = new Promise<SyncReason>(resolve => dict.on('sync', ({ reason }) => resolve(reason)))
    await rename(backup, file)
    expect(await synced).toBe('diverged')
    expect(dict.local.get('a')).toBe('old')
    // Also from the new file on.
    const writer = await SqliteDict.open('d', file)
    const changed = new Promise(resolve => dict.on('change', ({ value }) => resolve(value)))
    await writer.set('a', 'newer')
    expect(await changed).toBe('newer')
    await writer.close()
    await dict.close()
  })

  it('is followed, too, when SQLite itself replaced it under the same name and identity', async () => {
    const file = await fileIn()
    const dict = await SqliteDict.open('d', file)
    await dict.set('a', 'old')
    const db = await rawHandle(file)
    db.exec('CREATE TABLE saved AS SELECT * FROM durabledict_heads')
    await dict.set('a', 'new')
    db.exec(`BEGIN; DELETE FROM durabledict_heads; INSERT INTO durabledict_heads SELECT * FROM saved;
      DELETE FROM durabledict_changes WHERE number > (SELECT number FROM saved);
      UPDATE durabledict_entries SET value = replace(value, 'new', 'old'); COMMIT`)
    db.close()
    const reasons: SyncReason[] = []
    dict.on('sync', ({ reason }) => reasons.push(reason))
    expect(await dict.get('a')).toBe('old')
    expect(reasons).toEqual(['diverged'])
    await dict.close()
  })

  it('with dropped tables leaves an empty dictionary', async () => {
    const file = await fileIn()
    const dict = await SqliteDict.open('d', file)
    await dict.set('a', 1)
    const db = await rawHandle(file)
    db.exec('DROP TABLE durabledict_entries; DROP TABLE durabledict_heads; DROP TABLE durabledict_changes')
    db.close()
    expect(await dict.get('a')).toBeUndefined()
    await dict.set('b', 2)
    expect(await dict.entries()).toEqual([['b', 2]])
    await dict.close()
  })
})

describe('A deleted file', () => {
  it('fails checks and writes, is not created again, and works when it comes back', async () => {
    const file = await fileIn()
    const dict = await SqliteDict.open('d', file)
    await dict.set('a', 1)
    await rename(file, `${file}.away`)
    for (const call of [() => dict.get('a'), () => dict.set('a', 2), () => dict.sync()]) {
      const error = await rejection(call())
      expect(error).toBeInstanceOf(StoreUnavailableError)
      expect(error.message).toContain('is missing')
    }
    expect(dict.local.get('a')).toBe(1)
    expect(await exists(file)).toBe(false)
    await rename(`${file}.away`, file)
    expect(await dict.get('a')).toBe(1)
    await dict.set('a', 3)
    expect(await dict.get('a')).toBe(3)
    await dict.close()
    const fresh = await startChild()
    await fresh.do('open', 'd', file)
    expect(await fresh.do('local')).toEqual([['a', 3]])
  })

  it('can come back from a backup', async () => {
    const file = await fileIn()
    const dict = await SqliteDict.open('d', file)
    await dict.set('a', 'old')
    const backup = await backUp(file)
    await dict.set('a', 'new')
    await rm(file)
    expect(await rejection(dict.get('a'))).toBeInstanceOf(StoreUnavailableError)
    await copyFile(backup, file)
    expect(await dict.get('a')).toBe('old')
    await dict.close()
  })

  it('is reported to live memory as a temporary fault', async () => {
    const file = await fileIn()
    const dict = await SqliteDict.open('d', file, { live: true, autosync: false })
    await dict.set('a', 1)
    const stale = new Promise<{ cause?: unknown }>(resolve => dict.on('stale', resolve))
    await rename(file, `${file}.away`)
    expect(String((await stale).cause)).toContain('is missing')
    const fresh = new Promise(resolve => dict.on('fresh', resolve))
    await rename(`${file}.away`, file)
    await fresh
    await dict.close()
  })
})

describe('open() rejects', () => {
  const open = (name: unknown, file: unknown, options?: object) =>
    rejection(SqliteDict.open(name as string, file as string, options as object))

  it.each([undefined, null, '', 1, {}])('%j as a name', async name => {
    expect(await open(name, await fileIn())).toBeInstanceOf(TypeError)
  })

  it.each([undefined, null, '', 1, {}, { exec() {} }, 'a\0b', new URL('file:///tmp/a.db')])(
    '%j as a file',
    async file => {
      expect(await open('d', file)).toBeInstanceOf(TypeError)
    },
  )

  it.each([
    [':memory:', 'MemoryDict'],
    ['file:///tmp/a.db', 'fileURLToPath'],
    ['file:a.db?mode=memory', 'fileURLToPath'],
  ])('%s, and names what to use', async (file, advice) => {
    const error = await open('d', file)
    expect(error).toBeInstanceOf(TypeError)
    expect(error.message).toContain(advice)
  })

  it('wrong options before it touches the file', async () => {
    const file = await fileIn()
    expect(await open('d', file, { timeout: 'long' })).toBeInstanceOf(TypeError)
    expect(await open('d', file, { nonsense: 1 })).toBeInstanceOf(TypeError)
    expect(await exists(file)).toBe(false)
  })

  it('a missing folder', async () => {
    const file = join(await fileIn('missing'), 'app.db')
    const error = await open('d', file)
    expect(error).toBeInstanceOf(StoreUnavailableError)
    expect(error.message).toContain(`the folder ${dirname(file)} does not exist`)
  })

  it('a folder instead of a file', async () => {
    const file = await fileIn()
    await mkdir(file)
    const error = await open('d', file)
    expect(error).toBeInstanceOf(StoreUnavailableError)
    expect(error.message).toContain(file)
  })

  it('a file that is not a database, and leaves it unchanged', async () => {
    const file = await fileIn()
    await writeFile(file, 'This is not a database, however long it is. '.repeat(100))
    const error = await open('d', file)
    expect(error).toBeInstanceOf(StoreUnavailableError)
    expect(error.message).toContain('is not an SQLite database')
    expect((await stat(file)).size).toBe(4400)
    expect(await readdir(dirname(file))).toEqual(['app.db'])
  })

  it('an aborted signal, and leaves no file', async () => {
    const file = await fileIn()
    expect(await open('d', file, { signal: AbortSignal.abort() })).toMatchObject({ name: 'AbortError' })
    expect(await exists(file)).toBe(false)
  })
})
