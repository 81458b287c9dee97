import { expect, it, onTestFinished } from 'vitest'
import { JSONEncoding, kyselyManager, ModelDict } from '../../src/index.js'
import { testDatabase } from './test-database.js'

interface Setting {
  id: number
  key: string
  value: string
  note: string
  changed: Date
}

const COLUMNS = `id serial PRIMARY KEY, key text UNIQUE NOT NULL, value text NOT NULL DEFAULT '0', note text NOT NULL DEFAULT 'none',
  changed timestamptz NOT NULL DEFAULT now()`

const database = testDatabase()

async function open(table: string, options: object = {}) {
  const manager = kyselyManager<Setting>(database.it.application().db, table)
  const dict = await ModelDict.open(manager, { returnInstances: true, encoding: JSONEncoding, ...options })
  onTestFinished(() => dict.close())
  return dict
}

it('returns instances with the columns that the database fills', async () => {
  const dict = await open(await database.it.table(COLUMNS))
  await dict.set('a', { dark: true })
  const instance = await dict.getOrThrow('a')
  expect(instance).toEqual({ id: 1, key: 'a', value: '{"dark":true}', note: 'none', changed: expect.any(Date) })
  expect(dict.local.get('a')).toEqual(instance)
})

it('saves an instance with all its columns, and every process follows', async () => {
  const table = await database.it.table(COLUMNS)
  const [dict, other] = [await open(table), await open(table)]
  await dict.set('a', 1)
  const instance = { ...(await other.getOrThrow('a')), note: 'mine', changed: new Date(86_400_000) }
  await other.set('a', instance)
  expect(await dict.get('a')).toEqual(instance)
  expect(await other.get('a')).toEqual(instance)
})

it('follows announced changes of any column', async () => {
  const table = await database.it.table(COLUMNS)
  const [dict, other] = [await open(table), await open(table)]
  await dict.update({ a: 1, b: 2, c: 3 })
  await other.sync()
  await database.it.sql(`UPDATE ${table} SET note = 'by hand'`)
  expect((await other.getOrThrow('a')).note).toBe('none')
  await dict.touch('a')
  expect((await other.getOrThrow('a')).note).toBe('by hand')
  expect((await other.getOrThrow('b')).note).toBe('none')
  await dict.touch()
  expect((await other.getOrThrow('b')).note).toBe('by hand')
  expect((await dict.getOrThrow('c')).note).toBe('by hand')
})

it("returns a separate instance to each reader, so that no reader can alter another's", async () => {
  const dict = await open(await database.it.table(COLUMNS))
  await dict.set('a', 1)
  const instance = await dict.getOrThrow('a')
  expect(() => {
    instance.note = 'altered'
  }).toThrow(TypeError)
  instance.changed.setTime(0)
  expect((await dict.getOrThrow('a')).changed.getTime()).toBeGreaterThan(0)
})

it('pops and defaults instances atomically', async () => {
  const table = await database.it.table(COLUMNS)
  const [dict, other] = [await open(table), await open(table)]
  expect(await dict.setDefault('a', 1)).toMatchObject({ id: 1, value: '1' })
  expect(await other.setDefault('a', 2)).toMatchObject({ id: 1, value: '1' })
  const popped = await Promise.all([dict.pop('a', undefined), other.pop('a', undefined)])
  expect(popped.filter(one => one !== undefined)).toMatchObject([{ key: 'a', note: 'none' }])
})

it('transacts on instances', async () => {
  const table = await database.it.table(COLUMNS)
  const [dict, other] = [await open(table), await open(table)]
  await dict.set('n', 0)
  const increment = (of: typeof dict) =>
    of.transact(tx => {
      const now = tx.get('n') as Setting
      tx.set('n', { ...now, note: 'counted', value: String(Number(now.value) + 1) })
    })
  await Promise.all(Array.from({ length: 10 }, (_, index) => increment(index % 2 ? dict : other)))
  expect(await dict.get('n')).toMatchObject({ id: 1, value: '10', note: 'counted' })
})

it('finds nothing to correct if nothing was altered', async () => {
  const dict = await open(await database.it.table(COLUMNS), { resyncEvery: 20 })
  await dict.set('a', 1)
  const reasons: string[] = []
  dict.on('sync', ({ reason }) => reasons.push(reason))
  await new Promise(resolve => setTimeout(resolve, 150))
  expect(reasons).toEqual([])
})

it('accepts undefined for options about encoded values', async () => {
  const none = { schema: undefined, defaults: undefined, oldEncoding: undefined }
  const dict = await open(await database.it.table(COLUMNS), none)
  expect(await dict.keys()).toEqual([])
})

it('rejects options about encoded values', async () => {
  const manager = kyselyManager(database.it.application().db, await database.it.table(COLUMNS))
  for (const option of [{ schema: {} }, { defaults: {} }, { oldEncoding: JSONEncoding }]) {
    await expect(ModelDict.open(manager, { returnInstances: true, ...option } as never)).rejects.toThrow(TypeError)
  }
})
