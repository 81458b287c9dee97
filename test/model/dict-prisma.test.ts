import { readFile } from 'node:fs/promises'
import Database from 'libsql'
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import { isOfStore } from '../../src/backends/sql/error-kinds.js'
import { sqlCodes } from '../../src/backends/sql/sql-codes.js'
import {
  createTables,
  type DictOptions,
  type Encoding,
  InvalidValueError,
  JSONEncoding,
  ModelDict,
  type ModelOptions,
  prismaManager,
  StoreUnavailableError,
  UnsupportedError,
} from '../../src/index.js'
import { type PrismaDatabase, prismaOnPostgres, prismaOnSqlite } from './prisma/databases.js'

type Prisma = Awaited<ReturnType<PrismaDatabase['client']>>

const OPTIONS = { limit: 5_000 }
const PAST = new Date('2001-01-01')

describe.each([
  ['PostgreSQL', prismaOnPostgres],
  ['SQLite', prismaOnSqlite],
])('ModelDict on Prisma and %s', (name, start) => {
  let database: PrismaDatabase
  let prisma: Prisma
  let another: Prisma

  beforeAll(async () => {
    database = await start()
    prisma = await database.client()
    another = await database.client()
    await createTables(prisma.setting)
  })
  afterAll(() => database?.end())
  beforeEach(async () => {
    const dict = await open(prisma.setting)
    await dict.clear()
  })

  async function open(model: object, options: DictOptions & ModelOptions = {}): Promise<ModelDict> {
    const dict = await ModelDict.open(model, { encoding: JSONEncoding, ...options })
    onTestFinished(() => dict.close())
    return dict
  }

  const rowOf = (key: string) => prisma.setting.findUniqueOrThrow({ where: { key } })

  /** A client that runs a function before it inserts settings. */
  const beforeInserts = (run: (key: string) => unknown): Prisma =>
    prisma.$extends({
      query: {
        setting: {
          async create({ args, query }: { args: { data: { key: string } }; query: (args: object) => unknown }) {
            await run(args.data.key)
            return query(args)
          },
        },
      },
    })

  test('defaults and @updatedAt work, and other columns are unchanged', async () => {
    const dict = await open(prisma.setting)
    await dict.set('theme', 'dark')
    expect(await rowOf('theme')).toEqual({
      id: expect.any(Number),
      key: 'theme',
      value: '"dark"',
      note: 'none',
      size: null,
      createdAt: expect.any(Date),
      updatedAt: expect.any(Date),
    })
    await prisma.setting.update({ where: { key: 'theme' }, data: { note: 'ours', size: 2n ** 40n, updatedAt: PAST } })
    await dict.update({ theme: 'light', other: 1 })
    const row = await rowOf('theme')
    expect(row).toMatchObject({ value: '"light"', note: 'ours', size: 2n ** 40n })
    expect(row.updatedAt.getTime()).toBeGreaterThan(PAST.getTime())
    expect(Object.fromEntries(await (await open(another.setting)).entries())).toEqual({ theme: 'light', other: 1 })
  })

  test('row() fills columns of inserted rows only', async () => {
    const row = (key: string, value: unknown) => ({ note: `${key}: ${value}`, size: BigInt(key.length) })
    const dict = await open(prisma.setting, { row })
    await dict.set('one', 1)
    await dict.update({ one: 'new', three: 3, four: 4 })
    expect(await prisma.setting.findMany({ select: { note: true, size: true }, orderBy: { key: 'asc' } })).toEqual([
      { note: 'four: 4', size: 4n },
      { note: 'one: 1', size: 3n },
      { note: 'three: 3', size: 5n },
    ])
  })

  test('uses the names of the model, whatever the database calls them', async () => {
    const dict = await open(prisma.appSetting, { keyCol: 'settingKey', valueCol: 'settingValue' })
    await dict.set('a', [1])
    expect(await prisma.$queryRawUnsafe('SELECT setting_key AS k, setting_value AS v FROM app_settings')).toEqual([
      { k: 'a', v: '[1]' },
    ])
    expect(await dict.pop('a')).toEqual([1])
    await expect(open(prisma.appSetting)).rejects.toThrow(/"keyCol" names "key", which model AppSetting of Prisma/)
    await expect(open(prisma.appSetting)).rejects.toThrow(TypeError)
  })

  test('stores JSON as JSON, including null', async () => {
    const values = { object: { list: [1, null] }, text: 'null', nothing: null, no: false, set: { set: 1 } }
    for (const model of ['jsonSetting', 'jsonbSetting']) {
      const dict = await open(prisma[model])
      await dict.update(values)
      await dict.set('nothing', null)
      expect(await prisma[model].findUnique({ where: { key: 'object' } })).toEqual({
        key: 'object',
        value: { list: [1, null] },
      })
      const other = await open(another[model])
      expect(Object.fromEntries(await other.entries())).toEqual(values)
      const table = model === 'jsonSetting' ? 'json_settings' : 'jsonb_settings'
      expect(
        await prisma.$queryRawUnsafe(`SELECT CAST("value" AS text) AS v FROM ${table} WHERE "key" = 'nothing'`),
      ).toEqual([{ v: 'null' }])
      const instances = await open(prisma[model], { returnInstances: true } as object)
      expect(await instances.get('set')).toEqual({ key: 'set', value: { set: 1 } })
      const bad = JSON.parse('{ "__proto__": 1 }')
      await expect(dict.set('bad', bad)).rejects.toThrow(/Prisma cannot write a member named "__proto__"/)
      await dict.clear()
    }
  })

  test('stores bytes as the encoding returns them, and text as UTF-8', async () => {
    const reversed: Encoding<Uint8Array> = {
      name: 'reversed',
      encode: value => (value as Uint8Array).toReversed(),
      decode: stored => (stored as Uint8Array).toReversed(),
    }
    const bytes = await open(prisma.bytesSetting, { encoding: reversed as never })
    await bytes.set('bytes', Uint8Array.of(1, 2, 255))
    expect(await bytes.get('bytes')).toEqual(Uint8Array.of(1, 2, 255))
    expect((await prisma.bytesSetting.findFirst()).value).toEqual(Uint8Array.of(255, 2, 1))
    await bytes.clear()
    const text = await open(prisma.bytesSetting)
    await text.set('text', '🌱')
    expect((await prisma.bytesSetting.findFirst()).value).toEqual(new Uint8Array(Buffer.from('"🌱"')))
    expect(await (await open(another.bytesSetting)).get('text')).toBe('🌱')
    await text.clear()
  })

  test('instances follow every column that was saved through a dictionary or announced', async () => {
    const instances = (client: Prisma) => open(client.setting, { returnInstances: true } as object)
    const [dict, other] = [await instances(prisma), await instances(another)]
    await dict.set('theme', 'dark')
    await prisma.setting.update({ where: { key: 'theme' }, data: { updatedAt: PAST } })
    await dict.touch('theme')
    const setting = (await other.getOrThrow('theme')) as Record<string, unknown> & { id: number; updatedAt: Date }
    expect(setting).toEqual(await rowOf('theme'))
    expect(setting).toMatchObject({ value: '"dark"', note: 'none', size: null, updatedAt: PAST })
    await other.set('theme', { ...setting, note: 'mine', size: 7n })
    const saved = (await dict.getOrThrow('theme')) as typeof setting
    expect(saved).toEqual(await rowOf('theme'))
    expect(saved).toMatchObject({ id: setting.id, note: 'mine', size: 7n })
    // Prisma sets the time of an update.
    expect(saved.updatedAt.getTime()).toBeGreaterThan(PAST.getTime())
    await prisma.setting.update({ where: { key: 'theme' }, data: { note: 'by hand' } })
    expect(await other.get('theme')).toMatchObject({ note: 'mine' })
    await dict.touch('theme')
    expect(await other.get('theme')).toEqual(await rowOf('theme'))
    expect(await other.pop('theme')).toMatchObject({ note: 'by hand' })
    await other.set('theme', saved)
    expect(await dict.get('theme')).toEqual(saved)
  })

  test('a row keeps its id when a process saves an earlier instance of it', async () => {
    const dict = await open(prisma.setting, { returnInstances: true } as object)
    await dict.set('a', 1)
    const old = (await dict.getOrThrow('a')) as { id: number }
    await dict.delete('a')
    await dict.update({ b: 2, a: 3 })
    const { id } = await rowOf('a')
    await dict.set('a', old)
    expect(await rowOf('a')).toMatchObject({ id, value: '1' })
    expect(id).not.toBe(old.id)
  })

  test('extensions run with every write, and an error they throw rejects that write only', async () => {
    const extended = beforeInserts(key => {
      if (key === 'bad') throw new Error('No bad settings')
    })
    await expect(open(extended.setting)).rejects.toThrow(/made by \$extends.*prismaManager\(prisma, 'setting'\)/)
    const dict = await open(prismaManager(extended, 'setting'))
    const bad = dict.set('bad', 1)
    await expect(bad).rejects.toThrow(InvalidValueError)
    await expect(bad).rejects.toThrow(
      /refused the value of key "bad", of which nothing was written: No bad settings\.$/,
    )
    await dict.set('good', 2)
    expect(await dict.keys()).toEqual(['good'])
  })

  test('instances in memory have computed fields of extensions', async () => {
    const extended = prisma.$extends({
      result: {
        setting: {
          shout: { needs: { value: true }, compute: ({ value }: { value: string }) => `${value}!` },
          louder: { needs: { shout: true }, compute: ({ shout }: { shout: string }) => shout.toUpperCase() },
        },
      },
    })
    const dict = await open(prismaManager(extended, 'setting'), { returnInstances: true } as object)
    await dict.set('a', 'hey')
    const instance = (await dict.getOrThrow('a')) as object
    expect(instance).toMatchObject({ value: '"hey"', shout: '"hey"!', louder: '"HEY"!' })
    const read = await extended.setting.findUniqueOrThrow({ where: { key: 'a' } })
    expect(instance).toEqual(Object.fromEntries(Object.entries(read)))
    await dict.set('a', { ...instance, value: '"you"' })
    expect(await dict.get('a')).toMatchObject({ value: '"you"', shout: '"you"!', louder: '"YOU"!' })
  })

  test('concurrent inserts of the same key by several processes all succeed', async () => {
    const dicts = [await open(prisma.setting), await open(another.setting)]
    const keys = ['a', 'b', 'c', 'd', 'e']
    const defaults = keys.flatMap(key => dicts.map((dict, index) => dict.setDefault(key, index)))
    const values = await Promise.all(defaults)
    for (const [index, key] of keys.entries()) {
      const [one, two] = values.slice(2 * index)
      expect(one).toBe(two)
      expect(await dicts[0]?.get(key)).toBe(one)
    }
  })

  test('a write finds a row that the application inserts meanwhile', async ({ skip }) => {
    if (name === 'SQLite') skip('it has one writer at a time')
    const racing = beforeInserts(async key => {
      if ((await another.setting.count({ where: { key } })) > 0) return
      await another.setting.create({ data: { key, value: '"theirs"' } })
    })
    const dict = await open(prismaManager(racing, 'setting'))
    expect(await dict.setDefault('a', 'ours')).toBe('theirs')
    await dict.set('b', 'ours')
    const rows = await prisma.setting.findMany({ select: { key: true, value: true }, orderBy: { key: 'asc' } })
    expect(rows).toEqual([
      { key: 'a', value: '"theirs"' },
      { key: 'b', value: '"ours"' },
    ])
  })

  test("a value too long for its column is rejected with the database's message", async () => {
    const dict = await open(prisma.appSetting, { keyCol: 'settingKey', valueCol: 'settingValue' })
    await dict.clear()
    await dict.set('a', 'short')
    if (name === 'PostgreSQL') {
      await prisma.$executeRawUnsafe('ALTER TABLE app_settings ALTER setting_value TYPE varchar(20)')
    } else {
      await prisma.$executeRawUnsafe(`CREATE TRIGGER short BEFORE UPDATE ON app_settings
        WHEN length(NEW.setting_value) > 20 BEGIN SELECT RAISE(ABORT, 'too long'); END`)
    }
    const long = dict.set('a', 'x'.repeat(100))
    const good = dict.set('b', 1)
    await expect(long).rejects.toThrow(InvalidValueError)
    await expect(long).rejects.toThrow(
      name === 'PostgreSQL'
        ? /refused the value of key "a", of which nothing was written: .*value too long for type character varying\(20\)$/
        : /refused the value of key "a", of which nothing was written: .*too long\.$/,
    )
    await good
    const stored = await open(another.appSetting, { keyCol: 'settingKey', valueCol: 'settingValue' })
    expect(Object.fromEntries(await stored.entries())).toEqual({ a: 'short', b: 1 })
    expect(Object.fromEntries(dict.local)).toEqual({ a: 'short', b: 1 })
  })

  test('a transaction that takes too long is rolled back', async () => {
    let waiting: Promise<unknown> | undefined
    const slow = beforeInserts(key => {
      if (key === 'slow') waiting ??= new Promise(resolve => setTimeout(resolve, 700))
      return waiting
    })
    const dict = await open(prismaManager(slow, 'setting'), { timeout: 300 })
    const writing = dict.set('slow', 1)
    await expect(writing).rejects.toThrow(StoreUnavailableError)
    await expect(writing).rejects.toThrow(/300 ms/)
    await waiting
    const other = await open(another.setting)
    await other.set('quick', 2)
    expect(await other.keys()).toEqual(['quick'])
  })

  test('a lock of another session is waited for, up to the timeout', async () => {
    const [dict, patient] = [await open(prisma.setting, { timeout: 300 }), await open(another.setting)]
    await dict.set('a', 1)
    let release = () => {}
    const held = new Promise<void>(resolve => {
      release = resolve
    })
    const locked = name === 'PostgreSQL' ? await lockedByPrisma(held) : lockedByAnother(held)
    const late = dict.set('a', 2)
    await expect(late).rejects.toThrow(StoreUnavailableError)
    const waits = patient.set('a', 3)
    release()
    await locked.end
    await waits
    expect(await dict.get('a')).toBe(3)
  })

  test('a full disk is reported as a fault of the database', async ({ skip }) => {
    if (name === 'PostgreSQL') skip('nothing fills the disk here')
    const client = await database.client()
    const dict = await open(client.setting, { timeout: 2_000 })
    const full = prismaManager(client, 'setting')
    await dict.set('a', 1)
    const [{ pages }] = await client.$queryRawUnsafe('SELECT page_count AS pages FROM pragma_page_count')
    // The next transaction has the connection that this one waits for.
    await client.$queryRawUnsafe(`PRAGMA max_page_count = ${pages}`)
    const creating = full.transaction(session => session.create([{ key: 'b', value: 'x'.repeat(99_999) }]), OPTIONS)
    const error = await creating.catch(cause => cause)
    expect(sqlCodes(error)).toContain('13')
    expect(isOfStore(error)).toBe(true)
    await dict.set('b', 2)
    expect(await (await open(another.setting)).get('b')).toBe(2)
  })

  test('a key column that is not unique is rejected', async () => {
    await expect(open(prisma.change, { valueCol: 'id' })).rejects.toThrow(UnsupportedError)
    await expect(open(prisma.change, { valueCol: 'id' })).rejects.toThrow(/no unique constraint/)
  })

  test('the version tables match what Prisma creates from the documented models', async () => {
    const dict = await open(prisma.setting)
    await dict.set('a', 1)
    const { number, format, bound } = await prisma.durableDictVersion.findFirstOrThrow({ orderBy: { number: 'desc' } })
    expect([typeof number, format, typeof bound]).toEqual(['bigint', 1n, 'number'])
    const change = await prisma.durableDictChange.findFirstOrThrow({ where: { number } })
    expect(JSON.parse(change.effects)).toEqual([['set', 'a', '1']])
    const schema = await readFile(new URL('prisma/schema.prisma', import.meta.url), 'utf8')
    const page = await readFile(new URL('../../docs/model/prisma.md', import.meta.url), 'utf8')
    expect(page).toContain(schema.slice(schema.indexOf('model DurableDictVersion')))
    if (name === 'SQLite') return
    const columns: { t: string; c: string; type: string; long: number | null; empty: string }[] =
      await prisma.$queryRawUnsafe(`SELECT table_name::text AS t, column_name::text AS c, data_type::text AS type,
        character_maximum_length::int AS long, is_nullable::text AS empty FROM information_schema.columns
        WHERE table_name LIKE 'durabledict%' ORDER BY table_name, ordinal_position`)
    const types = (table: string) =>
      columns.filter(({ t }) => t === table).map(({ c, type, long, empty }) => [c, type, long, empty])
    const text = (column: string) => [column, 'character varying', 255, 'NO']
    const whole = (column: string) => [column, 'bigint', null, 'NO']
    expect(types('durabledict_model_versions')).toEqual([
      ...[text('dict'), whole('format'), text('epoch'), whole('number'), text('nonce'), whole('bytes')],
      ['bound', 'double precision', null, 'NO'],
      ['history', 'text', null, 'YES'],
      ['dropped', 'text', null, 'YES'],
    ])
    expect(types('durabledict_model_changes')).toEqual([
      ...[text('dict'), whole('number'), text('nonce'), text('previous'), text('batch')],
      ['effects', 'text', null, 'YES'],
      whole('bytes'),
      ['notes', 'text', null, 'YES'],
    ])
  })

  async function lockedByPrisma(held: Promise<void>): Promise<{ end: Promise<unknown> }> {
    const client = await database.client({ max: 1 })
    let locked = () => {}
    const lockTaken = new Promise<void>(resolve => {
      locked = resolve
    })
    const end = client.$transaction(
      async (transaction: Prisma) => {
        await transaction.$executeRawUnsafe('UPDATE durabledict_model_versions SET format = format')
        locked()
        await held
      },
      { timeout: 10_000 },
    )
    await lockTaken
    return { end }
  }

  /** Prisma's tables on SQLite would differ. */
  function lockedByAnother(held: Promise<void>): { end: Promise<unknown> } {
    const file = new Database(database.url.replace('file:', ''))
    file.exec('BEGIN IMMEDIATE')
    return {
      end: held.then(() => {
        file.exec('COMMIT')
        file.close()
      }),
    }
  }
})
