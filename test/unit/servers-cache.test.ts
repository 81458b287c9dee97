import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { cached } from '../../scripts/cache.js'

let home: string

beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'durabledict-test-'))
  vi.stubEnv('XDG_CACHE_HOME', home)
})

afterEach(async () => {
  vi.unstubAllEnvs()
  await rm(home, { recursive: true })
})

const cacheHolds = () => readdir(join(home, 'durabledict'))

it('fills a cache folder once for all concurrent callers', async () => {
  const fill = vi.fn((folder: string) => writeFile(join(folder, 'file'), 'complete'))
  const folders = await Promise.all([cached('thing', fill), cached('thing', fill), cached('thing', fill)])
  const calls = fill.mock.calls.length
  expect(new Set([...folders, await cached('thing', fill)]).size).toBe(1)
  expect(fill).toHaveBeenCalledTimes(calls)
  expect(await readdir(folders[0] as string)).toEqual(['file'])
  expect(await cacheHolds()).toEqual(['thing'])
})

it('keeps nothing of a failed fill', async () => {
  const fill = async (folder: string) => {
    await writeFile(join(folder, 'file'), 'half')
    throw new Error('no network')
  }
  await expect(cached('thing', fill)).rejects.toThrow('no network')
  expect(await cacheHolds()).toEqual([])
})
