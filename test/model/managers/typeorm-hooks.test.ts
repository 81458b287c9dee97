import {
  AfterInsert,
  AfterLoad,
  AfterRemove,
  AfterUpdate,
  BeforeInsert,
  BeforeRemove,
  BeforeUpdate,
  Column,
  type DataSource,
  Entity,
  EntitySchema,
  type EntitySubscriberInterface,
  PrimaryGeneratedColumn,
} from 'typeorm'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { ModelManager, ModelSession } from '../../../src/backends/model/managers/manager.js'
import { typeormManager } from '../../../src/backends/model/managers/typeorm/typeorm-manager.js'
import { onPostgres, onSqlite, type Source } from './typeorm-sources.js'

const calls: string[] = []

/** Decorators are functions, so this needs no syntax. */
class Listening {
  declare id: number
  declare key: string
  declare value: string
  declare note: string
  constructedNote = 'by the constructor'
  shout = ''

  beforeInsert() {
    this.note = `made for ${this.key}`
  }
  afterInsert() {
    calls.push(`inserted ${this.key} as ${typeof this.id}`)
  }
  /** Features that need the whole entity. */
  beforeUpdate() {
    this.note = `${this.key} is ${this.value}`
  }
  afterUpdate() {
    calls.push(`updated ${this.key}`)
  }
  beforeRemove() {
    calls.push(`removing ${this.key}: ${this.value}`)
  }
  afterRemove() {
    calls.push(`removed ${this.key}`)
  }
  afterLoad() {
    this.shout = this.value.toUpperCase()
  }
}
const decorate = (decorator: () => PropertyDecorator, ...names: string[]) => {
  for (const name of names) decorator()(Listening.prototype, name)
}
decorate(BeforeInsert as () => PropertyDecorator, 'beforeInsert')
decorate(AfterInsert as () => PropertyDecorator, 'afterInsert')
decorate(BeforeUpdate as () => PropertyDecorator, 'beforeUpdate')
decorate(AfterUpdate as () => PropertyDecorator, 'afterUpdate')
decorate(BeforeRemove as () => PropertyDecorator, 'beforeRemove')
decorate(AfterRemove as () => PropertyDecorator, 'afterRemove')
decorate(AfterLoad as () => PropertyDecorator, 'afterLoad')
decorate(() => PrimaryGeneratedColumn(), 'id')
decorate(() => Column({ type: 'varchar', unique: true }), 'key')
decorate(() => Column({ type: 'text' }), 'value', 'note')
Entity({ name: 'listening' })(Listening)

class Full {
  declare id: number
  declare key: string
  declare value: string
  declare updatedAt: Date
  declare version: number
}

class Generated {
  declare id: number
  declare key: string
  declare value: string
  declare length: number
}

const column = { key: { type: 'varchar', unique: true }, value: { type: 'text' } } as const

const full = new EntitySchema<Full>({
  name: 'Full',
  target: Full,
  columns: {
    id: { type: Number, primary: true, generated: true },
    ...column,
    updatedAt: { type: Date, updateDate: true },
    version: { type: Number, version: true },
  },
})

const generated = new EntitySchema<Generated>({
  name: 'Generated',
  target: Generated,
  columns: {
    id: { type: Number, primary: true, generated: true },
    ...column,
    length: { type: Number, generatedType: 'STORED', asExpression: 'length(value)', nullable: true },
  },
})

/** Without a class: instances are plain objects. */
const soft = new EntitySchema<{ id: string; key: string; value: string; deletedAt: Date | null }>({
  name: 'Soft',
  columns: {
    id: { type: 'uuid', primary: true, generated: 'uuid' },
    ...column,
    deletedAt: { type: Date, deleteDate: true },
  },
})

const reversed = (text: unknown) => [...String(text)].reverse().join('')

const transformed = new EntitySchema<{ key: string; value: string }>({
  name: 'Transformed',
  columns: {
    key: { type: 'varchar', primary: true, transformer: { to: key => `k:${key}`, from: key => key.slice(2) } },
    value: {
      type: 'text',
      transformer: [
        { to: reversed, from: reversed },
        { to: text => `<${text}>`, from: text => text.slice(1, -1) },
      ],
    },
  },
})

const owner = new EntitySchema<{ id: number }>({
  name: 'Owner',
  columns: { id: { type: Number, primary: true } },
})
const owned = new EntitySchema<{ key: string; value: string; owner: { id: number } }>({
  name: 'Owned',
  columns: { key: { type: 'varchar', primary: true }, value: { type: 'text' } },
  relations: { owner: { type: 'many-to-one', target: 'Owner', eager: true } },
})

const run = <R>(on: ModelManager, work: (session: ModelSession) => Promise<R>) =>
  on.transaction(work, { limit: 10_000 })
const lean = { keyCol: 'key', columns: ['key', 'value'] }

describe.each([
  ['PostgreSQL', onPostgres],
  ['SQLite', onSqlite],
])('typeormManager and the features of an entity, on %s', (name, open) => {
  let opened: Source
  let source: DataSource

  beforeAll(async () => {
    opened = await open()
    source = await opened.another([
      Listening as never,
      full,
      generated,
      soft as never,
      transformed as never,
      owner as never,
      owned as never,
    ])
    await source.synchronize()
  })
  beforeEach(() => {
    calls.length = 0
    source.subscribers.length = 0
  })
  afterAll(() => opened?.end())

  test('listeners get whole entities', async () => {
    const manager = typeormManager(source.getRepository(Listening))
    await run(manager, session =>
      session.create([
        { key: 'a', value: 'one' },
        { key: 'b', value: 'two' },
      ]),
    )
    expect(calls).toEqual(['inserted a as number', 'inserted b as number'])
    await run(manager, session => session.update('key', 'a', { value: 'three' }))
    const [a, b] = (await run(manager, session => session.rows({ keyCol: 'key' }))) as Listening[]
    expect(a).toBeInstanceOf(Listening)
    expect(a).toMatchObject({ note: 'a is three', shout: 'THREE' })
    expect(b).toMatchObject({ note: 'made for b', shout: 'TWO', constructedNote: 'by the constructor' })
    await run(manager, session => session.remove('key', ['a', 'missing']))
    expect(calls.slice(2)).toEqual(['updated a', 'removing a: three', 'removed a'])
    await run(manager, session => session.removeAll())
    expect(calls.slice(5)).toEqual(['removing b: two', 'removed b'])
  })

  test('an update of a missing row is reported', async () => {
    const manager = typeormManager(source.getRepository(Listening))
    await expect(run(manager, session => session.update('key', 'missing', { value: '' }))).rejects.toThrow(/"missing"/)
  })

  test('an instance equals one that was just read', () => {
    const manager = typeormManager(source.getRepository(Listening))
    const instance = manager.instance?.({ id: 1, key: 'a', value: 'one', note: '' })
    expect(instance).toBeInstanceOf(Listening)
    expect(instance?.shout).toBe('ONE')
    expect(manager.columnsOf?.(instance as object)).toEqual({ id: 1, key: 'a', value: 'one', note: '' })
    expect(manager.isInstance?.({ key: 'a' }, 'key')).toBe(false)
  })

  test('subscribers are notified of every change, inside its transaction', async () => {
    const manager = typeormManager(source.getRepository(Full))
    const seen: unknown[] = []
    const subscriber: EntitySubscriberInterface<Full> = {
      listenTo: () => Full,
      beforeInsert: ({ entity }) => {
        seen.push(`insert ${entity.key}`)
      },
      beforeUpdate: ({ entity, databaseEntity }) => {
        seen.push(`update ${entity?.key}: ${databaseEntity.value} to ${entity?.value}`)
      },
      beforeRemove: async ({ entity, manager: within }) => {
        seen.push(`remove ${entity?.key}`)
        await within.insert(Full, { key: `grave of ${entity?.key}`, value: '' })
      },
    }
    source.subscribers.push(subscriber)
    await run(manager, session => session.create([{ key: 'a', value: '1' }]))
    await run(manager, session => session.update('key', 'a', { value: '2' }))
    const mine = new Error('mine')
    const failing = run(manager, async session => {
      await session.remove('key', ['a'])
      expect(await session.rows(lean)).toEqual([{ key: 'grave of a', value: '' }])
      throw mine
    })
    await expect(failing).rejects.toBe(mine)
    expect(seen).toEqual(['insert a', 'update a: 1 to 2', 'remove a', 'insert grave of a'])
    expect(await run(manager, session => session.rows(lean))).toEqual([{ key: 'a', value: '2' }])
    source.subscribers.length = 0
    await run(manager, session => session.removeAll())
  })

  test('versions and update times are kept without listeners', async () => {
    source.subscribers.push({ listenTo: () => Listening, beforeUpdate: () => {} })
    const manager = typeormManager(source.getRepository(Full))
    await run(manager, session => session.create([{ key: 'a', value: '1', updatedAt: new Date(0) }]))
    await run(manager, session => session.update('key', 'a', { value: '2' }))
    const [a] = (await run(manager, session => session.rows({ keyCol: 'key' }))) as [Full]
    expect(a).toMatchObject({ value: '2', version: 2 })
    expect(a.updatedAt.getTime()).toBeGreaterThan(0)
    // An instance that is older than the row is written without them.
    await run(manager, session =>
      session.update('key', 'a', { ...manager.columnsOf?.(a), value: 'long', version: 1, id: 9 }),
    )
    const [again] = await run(manager, session => session.rows({ keyCol: 'key' }))
    expect(again).toMatchObject({ id: a.id, value: 'long', version: 3 })
    await run(manager, session => session.removeAll())
  })

  test('columns that the database generates are left to it', async ({ skip }) => {
    if (name === 'SQLite') skip('TypeORM itself cannot insert into a SQLite table with such a column')
    const manager = typeormManager(source.getRepository(Generated))
    await run(manager, session => session.create([{ key: 'a', value: '1' }]))
    const read = async () => (await run(manager, session => session.rows({ keyCol: 'key' })))[0] as Generated
    const columns = manager.columnsOf?.(await read())
    await run(manager, session => session.update('key', 'a', { ...columns, value: 'long' }))
    expect(await read()).toMatchObject({ value: 'long', length: 4 })
  })

  test('a softly deleted row is gone and can be replaced, and the dictionary deletes physically', async () => {
    const repository = source.getRepository(soft)
    const manager = typeormManager(repository)
    const create = (key: string) => run(manager, session => session.create([{ key, value: 'new' }], 'key'))
    for (const key of ['a', 'b', 'c']) await create(key)
    await repository.softDelete({ key: 'a' })
    await repository.softDelete({ key: 'b' })
    expect(await run(manager, session => session.rows(lean))).toEqual([{ key: 'c', value: 'new' }])
    expect(await run(manager, session => session.rows({ keyCol: 'key' }))).toMatchObject([
      { key: 'c', deletedAt: null },
    ])
    await create('a')
    await expect(create('c')).rejects.toThrow()
    expect(await repository.find({ withDeleted: true, order: { key: 'ASC' } })).toMatchObject([
      { key: 'a', deletedAt: null },
      { key: 'b', deletedAt: expect.any(Date) },
      { key: 'c', deletedAt: null },
    ])
    await run(manager, session => session.remove('key', ['b', 'c']))
    expect(await repository.count({ withDeleted: true })).toBe(1)
    await repository.softDelete({ key: 'a' })
    await run(manager, session => session.removeAll())
    expect(await repository.count({ withDeleted: true })).toBe(0)
    expect(manager.isInstance?.({ key: 'a' }, 'key')).toBe(true)
    expect(manager.isInstance?.({ value: 'a' }, 'key')).toBe(false)
  })

  test('column transformers apply to all reads, writes and conditions', async () => {
    const manager = typeormManager(source.getRepository(transformed))
    await run(manager, session =>
      session.create([
        { key: 'a', value: 'abc' },
        { key: 'b', value: 'def' },
      ]),
    )
    expect(await manager.query('SELECT * FROM transformed', [])).toEqual([
      { key: 'k:a', value: '<cba>' },
      { key: 'k:b', value: '<fed>' },
    ])
    await run(manager, session => session.update('key', 'a', { value: 'new' }))
    const rows = (query: object) => run(manager, session => session.rows({ ...lean, ...query }))
    expect(await rows({ keys: ['a'] })).toEqual([{ key: 'a', value: 'new' }])
    expect(await rows({ after: 'a' })).toEqual([{ key: 'b', value: 'def' }])
    expect(await run(manager, session => session.rows({ keyCol: 'key', keys: ['a'] }))).toEqual([
      { key: 'a', value: 'new' },
    ])
    await run(manager, session => session.remove('key', ['a', 'b']))
    expect(await rows({})).toEqual([])
  })

  test('eager relations are part of instances, but are not columns', async () => {
    await source.getRepository(owner).save({ id: 7 })
    const manager = typeormManager(source.getRepository(owned))
    await run(manager, session => session.create([{ key: 'a', value: '1', owner: { id: 7 } }]))
    await run(manager, session => session.create([{ key: 'b', value: '2' }]))
    const rows = await run(manager, session => session.rows({ keyCol: 'key', limit: 1 }))
    expect(rows).toEqual([{ key: 'a', value: '1', owner: { id: 7 } }])
    expect(await run(manager, session => session.rows(lean))).toHaveLength(2)
    await run(manager, session => session.removeAll())
  })

  test('statements that write and return rows', async () => {
    const manager = typeormManager(source.getRepository(Full))
    await run(manager, session =>
      session.create([
        { key: 'a', value: '1' },
        { key: 'b', value: '2' },
      ]),
    )
    expect(await manager.query(`UPDATE "full" SET value = 'x' RETURNING value AS text`, [])).toEqual([
      { text: 'x' },
      { text: 'x' },
    ])
    expect(await manager.query(`DELETE FROM "full" WHERE key = 'a' RETURNING key AS name`, [])).toEqual([{ name: 'a' }])
    expect(await manager.query(`DELETE FROM "full" WHERE key = 'a' RETURNING key AS name`, [])).toEqual([])
    expect(await manager.query('DELETE FROM "full"', [])).toEqual([])
  })

  test('a missing column is reported', async () => {
    const manager = typeormManager(source.getRepository(Full))
    expect(manager.column('missing')).toBeUndefined()
    const reading = run(manager, session => session.rows({ keyCol: 'key', columns: ['key', 'missing'] }))
    await expect(reading).rejects.toThrow(/Full.*"missing"/)
    expect(manager.column('key')).toBe('key')
    expect(manager.kind?.('updatedAt')).toBeUndefined()
    expect(manager.columnsOf?.({ key: 'a', more: 1 })).toEqual({ key: 'a' })
  })
})
