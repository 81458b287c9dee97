import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  chmod,
  mkdir,
  readdir,
  readFile,
  readlink,
  rename,
  stat,
  symlink,
  truncate,
  utimes,
  writeFile,
} from 'node:fs/promises'
import { basename, join, relative } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, onTestFinished, test } from 'vitest'
import { DamagedValue } from '../../src/contract/damaged-value.js'
import { DecodingError, JSONEncoding, RichEncoding, StoreUnavailableError } from '../../src/index.js'
import { parse } from '../../src/last-known/document.js'
import { replaceFile } from '../../src/last-known/write-file.js'
import { folder } from './matrix.js'
import { TestStore, warnings, written } from './support.js'

const run = promisify(execFile)

/** A file that a dictionary has left, whose store is down now. */
async function leftFile(entries: object = { theme: 'dark' }) {
  const store = new TestStore()
  const file = join(await folder(), 'last.json')
  await store.leave(file, entries)
  store.fail()
  return { store, file }
}

/** The same text with a valid checksum. */
function sealed(text: string): string {
  const covered = text.slice(0, text.lastIndexOf('\n],"checksum"'))
  return `${covered}\n],"checksum":"sha256:${createHash('sha256').update(covered).digest('hex')}"}\n`
}

describe('A file', () => {
  test('is readable by its owner only, whatever it was before', async () => {
    const { store, file } = await leftFile()
    expect((await stat(file)).mode & 0o777).toBe(0o600)
    await chmod(file, 0o644)
    store.heal()
    const dict = await store.open({ lastKnown: file })
    await dict.set('more', 1)
    await written(file, 'more')
    expect((await stat(file)).mode & 0o777).toBe(0o600)
  })

  test('follows each change without a call, and close() writes the rest', async () => {
    const store = new TestStore()
    const file = join(await folder(), 'last.json')
    const dict = await store.open({ lastKnown: file })
    await dict.set('first', 1)
    await written(file, 'first')
    await dict.set('last', { bytes: new Uint8Array([0, 255]) })
    await dict.close()
    expect(Object.keys(await written(file, 'last'))).toEqual(['first', 'last'])
    expect(await readdir(join(file, '..'))).toEqual([basename(file)])
  })

  test('keeps names and values of any script, and text that is not well-formed', async () => {
    const store = new TestStore('Einstellungen ⚙️ "\n')
    const file = join(await folder(), 'zuletzt – 最後.json')
    const entries = { 'Schlüssel 🔑': 'Wert\u2028\u0000', half: '\ud800', __proto__x: [1], 'a"b': null }
    await store.leave(file, entries)
    store.fail()
    expect((await store.open({ lastKnown: file })).local.toObject()).toEqual(entries)
  })

  test('belongs to the folder that was current when the dictionary was opened', async () => {
    const store = new TestStore()
    const [here, elsewhere] = [await folder(), await folder()]
    const before = process.cwd()
    onTestFinished(() => process.chdir(before))
    process.chdir(here)
    const dict = await store.open({ lastKnown: './last.json' })
    process.chdir(elsewhere)
    await dict.set('theme', 'dark')
    await written(join(here, 'last.json'), 'theme')
    expect(relative(elsewhere, here)).not.toBe('')
    expect(await readdir(elsewhere)).toEqual([])
  })

  test('that is a link stays a link, and what it refers to is replaced', async () => {
    const store = new TestStore()
    const [target, link] = [join(await folder(), 'real.json'), join(await folder(), 'link.json')]
    await symlink(target, link)
    await store.leave(target, { theme: 'light' })
    await store.leave(link, { theme: 'dark' })
    expect(await readlink(link)).toBe(target)
    expect(await written(target, 'theme')).toEqual({ theme: '"dark"' })
  })

  test('of another dictionary or of something else is never overwritten, with one warning', async () => {
    const messages = warnings()
    const store = new TestStore()
    const path = await folder()
    const [foreign, other] = [join(path, 'package.json'), join(path, 'other.json')]
    await writeFile(foreign, '{"name":"app"}')
    await new TestStore('other').leave(other, { theme: 'other' })
    for (const lastKnown of [foreign, other]) {
      const dict = await store.open({ lastKnown })
      for (let n = 0; n < 3; n += 1) await dict.set('n', n)
      await dict.close()
    }
    expect(await readFile(foreign, 'utf8')).toBe('{"name":"app"}')
    expect(await written(other, 'theme')).toEqual({ theme: '"other"' })
    expect(messages).toEqual([
      expect.stringContaining('It contains something else, and is not overwritten.'),
      expect.stringContaining('It is the file of dictionary "other", and is not overwritten.'),
    ])
  })

  test('is not replaced by an older state of another process, but by a later one', async () => {
    const file = join(await folder(), 'last.json')
    const write = async (at: number) => {
      const state = { walk: () => ['at'][Symbol.iterator]() as Generator<string>, stored: () => `${at}` }
      await replaceFile(file, { name: 'settings', encoding: 'RichEncoding', at, state })
      return Number((await written(file, 'at')).at)
    }
    expect([await write(2_000), await write(1_000), await write(3_000)]).toEqual([2_000, 2_000, 3_000])
  })

  test('leaves no temporary files behind: those of killed processes are removed', async () => {
    const { store, file } = await leftFile()
    const [old, young] = [0, 1].map(() => `${file}.${crypto.randomUUID()}.tmp`) as [string, string]
    const unrelated = `${file}.tmp`
    for (const path of [old, young, unrelated]) await writeFile(path, 'partial')
    const hourAgo = new Date(Date.now() - 3_600_000)
    for (const path of [old, unrelated]) await utimes(path, hourAgo, hourAgo)
    store.heal()
    await store.leave(file, { theme: 'dark' })
    const left = [basename(file), basename(young), basename(unrelated)].sort()
    expect((await readdir(join(file, '..'))).sort()).toEqual(left)
  })
})

describe('While the store is down, open ignores with one warning a file that', () => {
  const cases: Record<string, { damage(file: string): Promise<unknown>; says: string }> = {
    'ends early': { damage: async file => truncate(file, (await stat(file)).size - 1), says: 'not complete' },
    'is empty': { damage: file => truncate(file, 0), says: 'not a file of this library' },
    'is something else': { damage: file => writeFile(file, '{"name":"app"}'), says: 'not a file of this library' },
    'was edited': {
      damage: async file => writeFile(file, (await readFile(file, 'utf8')).replace('dark', 'lark')),
      says: 'checksum',
    },
    'has a later format': {
      damage: async file => writeFile(file, sealed((await readFile(file, 'utf8')).replace('"format":1', '"format":2'))),
      says: 'format 2',
    },
    'is of another dictionary': {
      damage: file => new TestStore('other').leave(`${file}.2`, {}).then(() => rename(`${file}.2`, file)),
      says: '"other"',
    },
    'has invalid keys': {
      damage: async file => writeFile(file, sealed((await readFile(file, 'utf8')).replace('["theme"', '[""'))),
      says: 'entries of a dictionary',
    },
    'has other values than text and bytes': {
      damage: async file => writeFile(file, sealed((await readFile(file, 'utf8')).replace('"\\"dark\\""', '1'))),
      says: 'entries of a dictionary',
    },
    'is too large': { damage: file => truncate(file, 2 ** 30), says: 'larger than' },
    'is a folder': { damage: file => rename(file, `${file}.2`).then(() => mkdir(file)), says: 'not a file' },
    'is a pipe': { damage: file => rename(file, `${file}.2`).then(() => run('mkfifo', [file])), says: 'not a file' },
    'is a link to a device': {
      damage: file => rename(file, `${file}.2`).then(() => symlink('/dev/zero', file)),
      says: 'not a file',
    },
    'is a link to itself': { damage: file => rename(file, `${file}.2`).then(() => symlink(file, file)), says: 'ELOOP' },
  }
  for (const [name, { damage, says }] of Object.entries(cases)) {
    test(name, async () => {
      const { store, file } = await leftFile()
      const messages = warnings()
      await damage(file)
      await expect(store.open({ lastKnown: file })).rejects.toThrow(StoreUnavailableError)
      await expect.poll(() => messages).toEqual([expect.stringContaining(says)])
    })
  }

  test('has values of another encoding', async () => {
    const { store, file } = await leftFile()
    const messages = warnings()
    await expect(store.open({ lastKnown: file, encoding: JSONEncoding })).rejects.toThrow(StoreUnavailableError)
    await expect.poll(() => messages).toEqual([expect.stringContaining('were encoded by "RichEncoding"')])
  })

  test('is older than maxAge', async () => {
    const { store, file } = await leftFile()
    const messages = warnings()
    const text = await readFile(file, 'utf8')
    await writeFile(file, sealed(text.replace(/"at":"[^"]+"/, '"at":"2020-01-01T00:00:00.000Z"')))
    const dict = await store.open({ lastKnown: { file, maxAge: 1e15 } })
    expect(dict.staleness).toBeGreaterThan(5 * 365 * 86_400_000)
    await expect(store.open({ lastKnown: { file, maxAge: 86_400_000 } })).rejects.toThrow(StoreUnavailableError)
    await expect.poll(() => messages).toEqual([expect.stringContaining('"maxAge" is 86400000')])
  })

  test('was written in the future, if maxAge is set; else its age counts from now', async () => {
    const { store, file } = await leftFile()
    const messages = warnings()
    const text = await readFile(file, 'utf8')
    await writeFile(file, sealed(text.replace(/"at":"[^"]+"/, '"at":"2999-01-01T00:00:00.000Z"')))
    await expect(store.open({ lastKnown: { file, maxAge: 1e15 } })).rejects.toThrow(StoreUnavailableError)
    await expect.poll(() => messages).toEqual([expect.stringContaining('in the future')])
    const dict = await store.open({ lastKnown: file })
    expect(dict.staleness).toBeGreaterThanOrEqual(0)
    expect(dict.staleness).toBeLessThan(60_000)
    store.heal()
    await expect.poll(() => dict.origin).toBe('store')
    await dict.set('n', 1)
    await dict.close()
    // A file of the future must not stay for ever.
    expect(Object.keys(await written(file, 'n'))).toEqual(['theme', 'n'])
  })
})

test('a file is read with the encoding and the old encoding', async () => {
  const { store, file } = await leftFile()
  const dict = await store.open({ lastKnown: file, encoding: JSONEncoding, oldEncoding: RichEncoding })
  expect(dict.local.get('theme')).toBe('dark')
})

test('every torn file is ignored, wherever it ends', async () => {
  const { store, file } = await leftFile()
  const whole = await readFile(file)
  for (let end = 0; end < whole.length; end += 1) expect(() => parse(whole.subarray(0, end)), `${end}`).toThrow()
  expect([...parse(whole).entries.keys()]).toEqual(['theme'])
  store.heal()
})

test('a changed byte is always found', async () => {
  const { file } = await leftFile()
  const whole = await readFile(file)
  for (let at = 0; at < whole.length; at += 1) {
    const changed = Buffer.from(whole)
    changed[at] = (changed[at] as number) ^ 1
    expect(() => parse(changed), `${at}`).toThrow()
  }
})

test('a folder that does not exist, or takes no files, costs one warning and nothing else', async () => {
  const messages = warnings()
  const store = new TestStore()
  const lastKnown = join(await folder(), 'no', 'such', 'last.json')
  const dict = await store.open({ lastKnown })
  for (let n = 0; n < 3; n += 1) await dict.set('n', n)
  await expect.poll(() => messages).toEqual([expect.stringContaining('ENOENT')])
  await dict.close()
  const full = await store.open({ lastKnown: '/proc/durabledict-last.json' })
  await full.set('n', 4)
  await full.close()
  await expect.poll(() => messages.length).toBe(2)
})

test('bytes come back as bytes, and a damaged value stays damaged and breaks only its own key', async () => {
  const stored = new Map<string, unknown>([
    ['bytes', Uint8Array.of(0, 128, 255)],
    ['damaged', new DamagedValue('Its row is damaged.')],
    ['other', { neither: 'text nor bytes' }],
  ])
  const file = join(await folder(), 'last.json')
  const state = { walk: () => stored.keys() as Generator<string>, stored: (key: string) => stored.get(key) }
  await replaceFile(file, { name: 'settings', encoding: 'RichEncoding', at: Date.now(), state })
  const { entries } = parse(await readFile(file))
  expect(entries.get('bytes')).toEqual(Uint8Array.of(0, 128, 255))
  expect(entries.get('damaged')).toMatchObject({ reason: 'Its row is damaged.' })
  expect(entries.get('other')).toBeInstanceOf(DamagedValue)
  const store = new TestStore()
  store.fail()
  const dict = await store.open({ lastKnown: file })
  expect(() => dict.local.get('damaged')).toThrow(DecodingError)
  expect(dict.local.size).toBe(3)
})
