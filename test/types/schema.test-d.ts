import * as v from 'valibot'
import { z } from 'zod'
import { type DurableDict, MemoryDict, MemoryStore } from '../../src/index.js'
import { expectType } from './settings.js'

const store = new MemoryStore()

// An object of schemas by key; defaults remove `undefined` from `get`.
const byKey = await MemoryDict.open(store, {
  schema: { theme: z.enum(['dark', 'light']), perPage: z.number().int(), title: v.string() },
  defaults: { theme: 'light', perPage: 20 },
})
type ByKey = { theme: 'dark' | 'light'; perPage: number; title: string }
expectType<DurableDict<ByKey, 'theme' | 'perPage', ByKey>>()(byKey)
expectType<Promise<number>>()(byKey.get('perPage'))
expectType<Promise<'dark' | 'light'>>()(byKey.get('theme'))
expectType<Promise<string | undefined>>()(byKey.get('title'))
expectType<number>()(byKey.local.get('perPage'))
expectType<number>()((await byKey.snapshot()).get('perPage'))
expectType<Promise<number>>()(byKey.transact(tx => tx.get('perPage')))
byKey.set('theme', 'dark')
byKey.update({ perPage: 10, title: 'x' })
// @ts-expect-error: not a theme
byKey.set('theme', 'blue')
// @ts-expect-error: not named by the schema
byKey.set('themes', 'dark')
// @ts-expect-error: not named by the schema
byKey.get('themes')
// @ts-expect-error: a default that does not fit
MemoryDict.open(store, { schema: { perPage: z.number() }, defaults: { perPage: 'x' } })
// @ts-expect-error: a default for a key that the schema does not name
MemoryDict.open(store, { schema: { perPage: z.number() }, defaults: { pages: 1 } })
// @ts-expect-error: not a schema
MemoryDict.open(store, { schema: { perPage: Number } })

// It is assignable to a dictionary of its types, with or without the keys of the defaults.
const plain: DurableDict<ByKey> = byKey
const some: DurableDict<ByKey, 'theme'> = byKey
void [plain, some]

// No defaults at all.
const bare = await MemoryDict.open(store, { schema: { n: v.number() } })
expectType<DurableDict<{ n: number }, never, { n: number }>>()(bare)
expectType<Promise<number | undefined>>()(bare.get('n'))

// One schema for every value.
const one = await MemoryDict.open(store, { schema: z.number() })
expectType<Promise<number | undefined>>()(one.get('anything'))
one.set('anything', 1)
// @ts-expect-error: not a number
one.set('anything', 'x')
const oneValibot = await MemoryDict.open(store, {
  schema: v.object({ on: v.boolean() }),
  defaults: { x: { on: true } },
})
expectType<Promise<{ on: boolean }>>()(oneValibot.get('x'))
// @ts-expect-error: not of the schema
oneValibot.set('x', { off: true })

// A schema that transforms: written as its input, read as its output.
const transforming = await MemoryDict.open(store, {
  schema: { since: z.string().transform(text => new Date(text)), count: v.pipe(v.string(), v.transform(Number)) },
  defaults: { count: '3' },
})
expectType<Promise<Date | undefined>>()(transforming.get('since'))
expectType<Promise<number>>()(transforming.get('count'))
transforming.set('since', '2024-01-01')
expectType<Promise<Date>>()(transforming.setDefault('since', '2024-01-01'))
transforming.transact(tx => {
  tx.set('count', '4')
  expectType<number>()(tx.get('count'))
  // @ts-expect-error: written as text
  tx.set('count', 4)
})
// @ts-expect-error: written as text
transforming.set('since', new Date(0))
const schema = { since: z.string().transform(text => new Date(text)) }
// @ts-expect-error: a default is written, too
MemoryDict.open(store, { schema, defaults: { since: new Date() } })
for await (const change of transforming.watch({ key: 'since' })) expectType<Date | undefined>()(change.value)
