import type { Generated, Kysely, Selectable } from 'kysely'
import { kyselyManager, ModelDict, type ModelManager } from '../../src/index.js'
import { expectType } from './settings.js'

interface SettingsTable {
  key: string
  value: string
  id: Generated<number>
}

declare const db: Kysely<{ settings: SettingsTable }>

const manager = kyselyManager<Selectable<SettingsTable>>(db, 'settings')
expectType<ModelManager<{ key: string; value: string; id: number }>>()(manager)
expectType<ModelManager<Record<string, unknown>>>()(kyselyManager(db, 'settings', { dialect: 'sqlite' }))

const instances = await ModelDict.open(manager, { returnInstances: true })
expectType<number>()((await instances.getOrThrow('a')).id)
// @ts-expect-error: no such column
;(await instances.getOrThrow('a')).other

const values = await ModelDict.open<{ theme: string }>(manager)
expectType<string | undefined>()(await values.get('theme'))

// @ts-expect-error: no instance of Kysely
kyselyManager({}, 'settings')
// @ts-expect-error: the table is missing
kyselyManager(db)
// @ts-expect-error: no such database
kyselyManager(db, 'settings', { dialect: 'oracle' })
