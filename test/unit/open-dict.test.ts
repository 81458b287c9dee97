import { existsSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inspect } from 'node:util'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { openDict } from '../../src/index.js'

describe('openDict', () => {
  let folder: string

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'durabledict-'))
  })

  afterEach(() => rm(folder, { recursive: true }))

  test('opens a SQLite file by URL, with options', async () => {
    const url = `sqlite:${join(folder, 'app.db')}#settings`
    const first = await openDict(url)
    await first.set('theme', 'dark')
    const second = await openDict<{ theme: string }>(url, { autosync: false })
    expect(second.name).toBe('settings')
    expect(second.local.get('theme')).toBe('dark')
    await Promise.all([first.close(), second.close()])
  })

  test('decodes percent-encoding in path and name', async () => {
    const dict = await openDict(`sqlite:${join(folder, 'a%20b%23.db')}#my%20name`)
    expect(dict.name).toBe('my name')
    expect(existsSync(join(folder, 'a b#.db'))).toBe(true)
    await dict.close()
  })

  test.each([
    ['no name', 'sqlite:./app.db'],
    ['an empty name', 'sqlite:./app.db#'],
    ['no path', 'sqlite:#settings'],
    ['another scheme', 'mysql://host/db#settings'],
    ['a member of every object', 'constructor:x#settings'],
    ['no URL', 'app.db'],
    ['a host', 'sqlite://app.db#settings'],
    ['a query', 'sqlite:./app.db?mode=ro#settings'],
    ['a lone percent sign', 'sqlite:./50%.db#settings'],
    ['another type', 5 as never],
  ])('rejects %s', async (_, url) => {
    await expect(openDict(url)).rejects.toThrow(TypeError)
  })

  test.each(['sqlite:./app.db', 'redis://host:6379', 'redis://host:6379/0', 'postgres://host/app'])(
    'says that %s names no dictionary',
    async url => {
      await expect(openDict(url)).rejects.toThrow(/then # and the name of the dictionary/)
    },
  )

  test('leads from the URL of a SQL database to ModelDict', async () => {
    await expect(openDict('mysql://host/app')).rejects.toThrow(/got mysql:\/\/host…\. .*use ModelDict/)
  })

  test.each(['app.db', 'file:./app.db#settings'])('says which URLs there are if it gets %s', async url => {
    await expect(openDict(url)).rejects.toThrow(
      /one of sqlite:, redis:, rediss:, postgres:, postgresql:, zookeeper:, .*; got something else\./,
    )
  })

  test('accepts any case of the scheme, a URL object, and an absolute path after //', async () => {
    const dict = await openDict(new URL(`SQLITE://${join(folder, 'app.db')}#settings`))
    expect(existsSync(join(folder, 'app.db'))).toBe(true)
    await dict.close()
  })

  test('does not reveal passwords', async () => {
    await expect(openDict('mysql://user:secret@host/db#settings')).rejects.toThrow(/\/\/…@host/)
  })

  test('reveals no part of a password, wherever it is in the URL, nor in the cause', async () => {
    const urls = [
      'mysql://user:s3cret@host/db#settings',
      'mysql://user:s3cret@evil@host/db#settings',
      'mysql://user:s3c/ret@host/db#settings',
      'redis://user:s3cret@host:99999#settings',
      'redis://user:s3cret@ho st#settings',
      'redis://user:s3cret@host',
      'redis://user:12/s3cret@host#settings',
      'redis://user:12#s3cret@host#settings',
      'redis://user:12?s3cret@host#settings',
      'redis://:s3cret#@host:1#settings',
      'redis://host/s3cret#settings',
      'redis://user:%s3cret@host:1#settings',
      'redis:user:s3cret@host#settings',
      'user:s3cret@host',
      'sqlite://user:s3cret@host/x#settings',
      'zookeeper://user:s3cret@host',
      'zookeeper://user:s3/cret@host/a?b',
      'zookeeper://user:12/s3cret@host/app',
      'zookeeper://user:x@host/app//user:s3cret@host',
    ]
    for (const url of urls) {
      const error = await openDict(url, { timeout: 300 }).then(
        () => expect.fail('It was opened.'),
        fault => fault,
      )
      const shown = inspect(error, { depth: 5, showHidden: true })
      expect(shown, url.replace('s3cret', '…')).not.toMatch(/s3cret|s3c|cret@/)
    }
  })
})
