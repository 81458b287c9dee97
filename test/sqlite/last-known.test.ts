import { rename, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { expect, test } from 'vitest'
import { SqliteDict, StoreUnavailableError } from '../../src/index.js'
import { checkMatrix, folder } from '../last-known/matrix.js'
import { folders } from './folder.js'

const fileIn = folders()

test('a dictionary starts while the folder of its database is not there', async () => {
  const file = await fileIn()
  const elsewhere = `${dirname(file)}-elsewhere`
  await checkMatrix({
    open: options => SqliteDict.open('settings', file, options),
    direct: () => SqliteDict.open('settings', file),
    shut: () => rename(dirname(file), elsewhere),
    reopen: () => rename(elsewhere, dirname(file)),
  })
})

test('a database that does not exist yet is created, and the last known file is not used', async () => {
  const lastKnown = join(await folder(), 'last.json')
  const first = await SqliteDict.open('settings', await fileIn(), { lastKnown })
  await first.set('theme', 'dark')
  await first.close()
  const other = await SqliteDict.open('settings', await fileIn(), { lastKnown })
  expect(other.origin).toBe('store')
  expect(other.local.size).toBe(0)
  await other.close()
})

test('open rejects if the file is not a database, even with a last known file', async () => {
  const file = await fileIn()
  const lastKnown = join(await folder(), 'last.json')
  await (await SqliteDict.open('settings', file, { lastKnown })).close()
  const other = await fileIn()
  await writeFile(other, 'not a database, but longer than its header would be '.repeat(50))
  await expect(SqliteDict.open('settings', other, { lastKnown })).rejects.toThrow(StoreUnavailableError)
})
