import type { Knex } from 'knex'
import { knexManager, ModelDict, type ModelManager } from '../../src/index.js'
import { expectType } from './settings.js'

interface Setting {
  key: string
  value: string
  id: number
}

declare const db: Knex
declare const typed: Knex<Setting, Setting[]>

const manager = knexManager<Setting>(db, 'settings')
expectType<ModelManager<Setting>>()(manager)
expectType<ModelManager<Record<string, unknown>>>()(knexManager(typed, 'settings', { dialect: 'postgresql' }))

const instances = await ModelDict.open(manager, { returnInstances: true })
expectType<number>()((await instances.getOrThrow('a')).id)
// @ts-expect-error: no such column
;(await instances.getOrThrow('a')).other

const values = await ModelDict.open<{ theme: string }>(manager)
expectType<string | undefined>()(await values.get('theme'))

// @ts-expect-error: no instance of Knex
knexManager({}, 'settings')
// @ts-expect-error: the query of a table
knexManager(db('settings'), 'settings')
// @ts-expect-error: no such database
knexManager(db, 'settings', { dialect: 'oracle' })
