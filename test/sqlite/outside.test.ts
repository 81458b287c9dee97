import { expect, test } from 'vitest'
import { SqliteDict, type SyncEvent } from '../../src/index.js'
import { rawHandle } from './backend.js'
import { bypassTriggers } from './without-history.js'

/** Resolves with the reason of the dictionary's next `sync` event that is not for changes. */
function diverged(dict: SqliteDict): Promise<string> {
  return new Promise(resolve => {
    const listener = ({ reason }: SyncEvent) => {
      if (reason === 'changes') return
      dict.off('sync', listener)
      resolve(reason)
    }
    dict.on('sync', listener)
  })
}

test('what an external writer changed without triggers is recorded as outside, and reaches every process', async () => {
  const raw = await rawHandle(':memory:')
  const finder = await SqliteDict.open('d', raw, { resyncEvery: 20, by: 'finder' })
  const other = await SqliteDict.open('d', raw)
  await finder.update({ a: 1, b: 2 }, { by: 'ada' })
  await other.sync()
  const found = diverged(finder)
  const seen = finder.watch()
  bypassTriggers(
    raw,
    `UPDATE durabledict_entries SET value = '7' WHERE key = 'a'; DELETE FROM durabledict_entries WHERE key = 'b'`,
  )
  expect(await found).toBe('diverged')
  const changes = [(await seen.next()).value, (await seen.next()).value]
  expect(changes.map(({ key, value, previous }) => [key, previous, value]).sort()).toEqual([
    ['a', 1, 7],
    ['b', 2, undefined],
  ])
  await expect.poll(async () => (await last(other))?.via).toBe('outside')
  expect(await other.get('a')).toBe(7)
  expect(await other.get('b')).toBeUndefined()
  await finder.set('c', 3)
  // The announcement is not a second change for the process that found it.
  expect((await seen.next()).value).toMatchObject({ key: 'c', value: 3 })
  const [, commit, before] = await other.history().toArray()
  expect(commit?.changes.map(({ key, before, after }) => [key, before, after]).sort()).toEqual([
    ['a', 1, 7],
    ['b', 2, undefined],
  ])
  expect([commit?.by, before?.by]).toEqual([undefined, 'ada'])
  await Promise.all([finder.close(), other.close()])
  raw.close()
})

const last = async (dict: SqliteDict) => (await dict.history({ limit: 1 }).toArray())[0]
