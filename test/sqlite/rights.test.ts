import { chmod, readdir, readFile, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { SqliteDict, StoreUnavailableError, UnsupportedError } from '../../src/index.js'
import { rawHandle } from './backend.js'
import { children } from './child.js'
import { folders } from './folder.js'

const fileIn = folders()
const startChild = children()

async function rejection(promise: Promise<unknown>): Promise<Error & { code?: string }> {
  return promise.then(
    () => Promise.reject(new Error('It resolved.')),
    error => error,
  )
}

const modeOf = async (path: string) => (await stat(path)).mode & 0o777

const modesBeside = async (file: string) => Promise.all(['', '-wal', '-shm'].map(suffix => modeOf(file + suffix)))

/** The contents of the files, byte by byte. */
async function contents(file: string): Promise<Map<string, string>> {
  const names = (await readdir(dirname(file))).filter(name => !name.endsWith('-shm'))
  const read = async (name: string) => [name, (await readFile(join(dirname(file), name))).toString('base64')] as const
  return new Map(await Promise.all(names.map(read)))
}

describe.skipIf(process.platform === 'win32')('A file that open() creates', () => {
  it('is accessible only to its owner, as are the files beside it, whatever the umask is', async () => {
    const file = await fileIn()
    const umask = process.umask(0)
    const dict = await SqliteDict.open('d', file)
    await dict.set('a', 1)
    process.umask(umask)
    expect(await modesBeside(file)).toEqual([0o600, 0o600, 0o600])
    await dict.close()
  })

  it('has exactly the permissions of "fileMode"', async () => {
    const file = await fileIn()
    const umask = process.umask(0o077)
    const dict = await SqliteDict.open('d', file, { fileMode: 0o664 })
    await dict.set('a', 1)
    process.umask(umask)
    expect(await modesBeside(file)).toEqual([0o664, 0o664, 0o664])
    await dict.close()
  })

  it('keeps its existing permissions', async () => {
    const file = await fileIn()
    await (await SqliteDict.open('d', file)).close()
    await chmod(file, 0o640)
    const dict = await SqliteDict.open('d', file, { fileMode: 0o600 })
    expect(await modeOf(file)).toBe(0o640)
    await dict.close()
  })

  it.each(['600', -1, 0o1000, 0.5, Number.NaN, null])('is not created with the fileMode %j', async fileMode => {
    const file = await fileIn()
    const opening = SqliteDict.open('d', file, { fileMode: fileMode as number })
    expect(await rejection(opening)).toBeInstanceOf(TypeError)
    expect(await readdir(dirname(file))).toEqual([])
  })
})

describe('{ readOnly: true }', () => {
  it('reads and follows, and neither writes nor creates', async () => {
    const file = await fileIn()
    const writer = await SqliteDict.open('d', file)
    await writer.set('a', 1)
    const before = await contents(file)
    const reader = await SqliteDict.open('d', file, { readOnly: true, live: true })
    const changed = new Promise(resolve => reader.on('change', ({ value }) => resolve(value)))
    expect(await reader.get('a')).toBe(1)
    expect(await rejection(reader.set('a', 2))).toBeInstanceOf(UnsupportedError)
    expect(await contents(file)).toEqual(before)
    await writer.set('a', 3)
    expect(await changed).toBe(3)
    expect(await reader.get('a')).toBe(3)
    await reader.close()
    await writer.close()
  })

  it('does not create a file', async () => {
    const file = await fileIn()
    const error = await rejection(SqliteDict.open('d', file, { readOnly: true }))
    expect(error).toBeInstanceOf(StoreUnavailableError)
    expect(error.message).toContain(
      `the file ${file} does not exist: open the dictionary once without { readOnly: true }`,
    )
    expect(await readdir(dirname(file))).toEqual([])
  })

  it.each(['another program’s tables', 'another dictionary'])('does not create a dictionary beside %s', async what => {
    const file = await fileIn()
    const handle = await rawHandle(file)
    handle.exec('PRAGMA journal_mode = WAL; CREATE TABLE own (n)')
    const other = what === 'another dictionary' ? await SqliteDict.open('other', file) : undefined
    const before = await contents(file)
    const error = await rejection(SqliteDict.open('d', file, { readOnly: true }))
    expect(error).toBeInstanceOf(StoreUnavailableError)
    expect(error.message).toContain('does not contain this dictionary')
    expect(await contents(file)).toEqual(before)
    await other?.close()
    handle.close()
  })

  it('does not repair a damaged head, and continues when a writer has repaired it', async () => {
    const file = await fileIn()
    const writer = await SqliteDict.open('d', file)
    await writer.set('a', 1)
    const reader = await SqliteDict.open('d', file, { readOnly: true })
    const handle = await rawHandle(file)
    handle.exec('UPDATE durabledict_heads SET number = -1')
    expect(await rejection(reader.get('a'))).toBeInstanceOf(StoreUnavailableError)
    expect(handle.prepare('SELECT number FROM durabledict_heads').get()).toMatchObject({ number: -1 })
    await writer.set('a', 2)
    expect(await reader.get('a')).toBe(2)
    handle.close()
    await reader.close()
    await writer.close()
  })

  it("reads through the caller's connection, in any journal mode", async () => {
    const handle = await rawHandle(await fileIn())
    const writer = await SqliteDict.open('d', handle)
    await writer.set('a', 1)
    handle.exec('PRAGMA query_only = ON; PRAGMA journal_mode = memory')
    const reader = await SqliteDict.open('d', handle, { readOnly: true })
    expect(await reader.get('a')).toBe(1)
    await reader.close()
    await writer.close()
    handle.close()
  })
})

async function startWithoutRights() {
  const child = await startChild()
  await child.do('dropRights')
  return child
}

describe.skipIf(process.getuid?.() !== 0)('Without write permission, which only root can drop', () => {
  it('{ readOnly: true } reads while another process has the file open, and follows', async () => {
    const file = await fileIn()
    const writer = await SqliteDict.open('d', file, { fileMode: 0o644 })
    await writer.set('a', 1)
    await chmod(dirname(file), 0o755)
    const child = await startWithoutRights()
    await child.do('open', 'd', file, { readOnly: true })
    expect(await child.do('call', 'get', 'a')).toBe(1)
    await writer.set('a', 2)
    expect(await child.do('call', 'get', 'a')).toBe(2)
    expect(await rejection(child.do('call', 'set', 'a', 3))).toMatchObject({ code: 'DURABLEDICT_UNSUPPORTED' })
    await writer.close()
  })

  it('{ readOnly: true } reads what a killed process left', async () => {
    const file = await fileIn()
    const writer = await startChild()
    await writer.do('open', 'd', file, { fileMode: 0o644 })
    await writer.do('call', 'set', 'a', 1)
    await writer.kill()
    await chmod(dirname(file), 0o755)
    const child = await startWithoutRights()
    await child.do('open', 'd', file, { readOnly: true })
    expect(await child.do('call', 'get', 'a')).toBe(1)
  })

  it('{ readOnly: true } names what is missing when no other process has the file open', async () => {
    const file = await fileIn()
    const writer = await startChild()
    await writer.do('open', 'd', file, { fileMode: 0o644 })
    await writer.do('call', 'close')
    writer.process.disconnect()
    await writer.ended
    await chmod(dirname(file), 0o755)
    const child = await startWithoutRights()
    const error = await rejection(child.do('open', 'd', file, { readOnly: true }))
    expect(error).toMatchObject({ code: 'DURABLEDICT_STORE_UNAVAILABLE' })
    expect(error.message).toContain('while another process has it open')
  })

  it('cannot read a file of the default mode', async () => {
    const file = await fileIn()
    const writer = await SqliteDict.open('d', file)
    await chmod(dirname(file), 0o755)
    const child = await startWithoutRights()
    const error = await rejection(child.do('open', 'd', file, { readOnly: true }))
    expect(error).toMatchObject({ code: 'DURABLEDICT_STORE_UNAVAILABLE' })
    await writer.close()
  })

  it('opening and reading work, and a write names what is wrong', async () => {
    const file = await fileIn()
    const keeper = await SqliteDict.open('d', file)
    await keeper.set('a', 1)
    await chmodAll(file, 0o755, 0o444)
    const child = await startWithoutRights()
    await child.do('open', 'd', file)
    expect(await child.do('call', 'get', 'a')).toBe(1)
    const error = await rejection(child.do('call', 'set', 'a', 2))
    expect(error).toMatchObject({ code: 'DURABLEDICT_STORE_UNAVAILABLE' })
    expect(error.message).toContain('read-only')
    await keeper.set('a', 3)
    expect(await child.do('call', 'get', 'a')).toBe(3)
    await keeper.close()
  })

  it('on a file without the dictionary: open() names what is wrong', async () => {
    const file = await fileIn()
    const keeper = await SqliteDict.open('another', file)
    await chmodAll(file, 0o755, 0o444)
    const child = await startWithoutRights()
    const error = await rejection(child.do('open', 'd', file))
    expect(error).toMatchObject({ code: 'DURABLEDICT_STORE_UNAVAILABLE' })
    expect(error.message).toContain('read-only')
    await keeper.close()
  })

  it('in a folder without it: open() names what is wrong', async () => {
    const file = await fileIn()
    await chmodAll(file, 0o555, 0o444)
    const child = await startWithoutRights()
    const error = await rejection(child.do('open', 'd', file))
    expect(error).toMatchObject({ code: 'DURABLEDICT_STORE_UNAVAILABLE' })
    expect(error.message).toContain('in a folder to which this process may write')
  })
})

async function chmodAll(file: string, folder: number, files: number): Promise<void> {
  for (const name of await readdir(dirname(file))) await chmod(join(dirname(file), name), files)
  await chmod(dirname(file), folder)
}
