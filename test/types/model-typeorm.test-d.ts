import type { DataSource, Repository } from 'typeorm'
import { ModelDict, type ModelManager, typeormManager } from '../../src/index.js'

class Setting {
  declare id: number
  declare key: string
  declare value: string
  declare note: string | null
}

declare const source: DataSource
declare const repository: Repository<Setting>

// A manager knows the entity.
typeormManager(repository) satisfies ModelManager<Setting>
typeormManager(source.getRepository(Setting)) satisfies ModelManager<Setting>
const dict = await ModelDict.open(typeormManager(repository), { returnInstances: true })
const setting = await dict.getOrThrow('theme')
setting.note satisfies string | null
// @ts-expect-error an entity has no such member
setting.missing
dict.local.get('theme')?.id satisfies number | undefined

// So does the repository itself.
const same = await ModelDict.open(repository, { returnInstances: true, keyCol: 'key' })
;(await same.getOrThrow('theme')) satisfies Setting
// Writes accept an entity, or any value for the value column.
await same.set('theme', { dark: true })
await same.set('theme', setting)

// Every option accepts undefined.
const plain = { schema: undefined, defaults: undefined, oldEncoding: undefined, keyCol: undefined, cache: undefined }
;(await (await ModelDict.open(repository, { returnInstances: true, ...plain })).getOrThrow('theme')) satisfies Setting

// Defaults alone determine the types.
const byDefaults = await ModelDict.open(repository, {
  defaults: { theme: 'light' },
  keyCol: 'key',
  returnInstances: undefined,
})
;(await byDefaults.get('theme')) satisfies string
await byDefaults.touch('theme')
// @ts-expect-error no such key
await byDefaults.touch('tehme')

// Without instances, the caller names the type of values.
const typed = await ModelDict.open<{ theme: string }>(repository)
;(await typed.getOrThrow('theme')) satisfies string
// @ts-expect-error it is text
await typed.set('theme', 1)

// @ts-expect-error no repository
typeormManager(Setting)
// @ts-expect-error no repository
typeormManager(source)
