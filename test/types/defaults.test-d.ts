import { z } from 'zod'
import { type DurableDict, MemoryDict, openDict, RedisDict, SqliteDict, ZookeeperDict } from '../../src/index.js'
import { expectType, type Settings } from './settings.js'

type Simple = { theme: string; perPage: number }
type Opened = DurableDict<Simple, 'theme' | 'perPage'>

// Defaults alone determine the types, with literals widened.
const dict = await RedisDict.open('settings', 'redis://localhost', { defaults: { theme: 'light', perPage: 20 } })
expectType<Opened>()(dict)
expectType<Promise<string>>()(dict.get('theme'))
expectType<number>()(dict.local.get('perPage'))
expectType<string>()(dict.fresh.get('theme'))
expectType<string>()((await dict.snapshot()).get('theme'))
expectType<string>()(dict.current().get('theme'))
expectType<Promise<number>>()(dict.transact(tx => tx.get('perPage')))
dict.set('theme', 'dark')
const plain: DurableDict<Simple> = dict

// On every store, with its own options.
const defaults = { theme: 'light', perPage: 20 }
expectType<Opened>()(await MemoryDict.open(undefined, { defaults }))
expectType<Opened>()(await SqliteDict.open('settings', './app.db', { defaults, fileMode: 0o640 }))
expectType<Opened>()(await ZookeeperDict.open('/settings', 'a:2181', { defaults, sessionTimeout: 5_000 }))
expectType<Opened>()(await RedisDict.open('settings', 'redis://localhost', { defaults, push: 'signal' }))
expectType<Opened>()(await openDict('redis://localhost#settings', { defaults, push: 'signal' }))
expectType<Opened>()(await openDict('sqlite:./app.db#settings', { defaults, fileMode: 0o640 }))
expectType<Opened>()(await openDict(new URL('zookeeper://a/settings'), { defaults, sessionTimeout: 5_000 }))

// Precise declarations stay precise, except for literals: a dictionary of one value would be useless.
const precise = {
  theme: 'light',
  on: true,
  size: 1,
  mode: 'a' as 'a' | 'b',
  note: null,
  tags: ['a'] as string[],
} as const
expectType<
  DurableDict<
    { theme: string; on: boolean; size: number; mode: 'a' | 'b'; note: null; tags: string[] },
    'theme' | 'on' | 'size' | 'mode' | 'note' | 'tags'
  >
>()(await MemoryDict.open(undefined, { defaults: precise }))
declare const optional: { theme: string; perPage?: number }
expectType<DurableDict<{ theme: string; perPage?: number }, 'theme'>>()(
  await MemoryDict.open(undefined, { defaults: optional }),
)
declare const many: Record<string, number>
expectType<Promise<number | undefined>>()((await MemoryDict.open(undefined, { defaults: many })).get('x'))

expectType<Promise<number | undefined>>()(
  (await MemoryDict.open<Record<string, number>>(undefined, { defaults: { a: 1 } })).get('a'),
)

// A named type omits `undefined` for keys that have a default.
const all = await MemoryDict.open<Settings>(undefined, { defaults: { theme: 'light', perPage: 20, tags: [] } })
expectType<DurableDict<Settings, 'theme' | 'perPage' | 'tags'>>()(all)
expectType<Promise<readonly string[]>>()(all.get('tags'))
const required = await MemoryDict.open<Settings>(undefined, { defaults: { theme: 'light', perPage: 20 } })
expectType<DurableDict<Settings, 'theme' | 'perPage'>>()(required)
expectType<Promise<readonly string[] | undefined>>()(required.get('tags'))
expectType<Promise<readonly string[]>>()(required.getOrThrow('tags'))
const some = await MemoryDict.open<Settings, 'theme'>(undefined, { defaults: { theme: 'light' } })
expectType<Promise<'dark' | 'light'>>()(some.get('theme'))
expectType<Promise<number | undefined>>()(some.get('perPage'))
expectType<DurableDict<Settings>>()(await MemoryDict.open<Settings>(undefined, { defaults: { theme: 'light' } }))
expectType<DurableDict<Settings>>()(await openDict<Settings>('redis://localhost#x', { live: true }))
// So does the type of the assignment's target.
const goes: DurableDict<Settings, 'theme'> = await MemoryDict.open(undefined, { defaults: { theme: 'light' } })
const fewer: DurableDict<Settings> = all

// Without a type and without defaults, every string is a key.
expectType<DurableDict>()(await RedisDict.open('settings', 'redis://localhost'))
expectType<DurableDict>()(await RedisDict.open('settings', 'redis://localhost', { autosync: false }))
expectType<DurableDict>()(await MemoryDict.open(undefined, { schema: undefined, defaults: undefined }))
void [plain, goes, fewer]

// Other keys do not compile, wherever they are written.
// @ts-expect-error: no such key
dict.get('tehme')
// @ts-expect-error: no such key
dict.getOrThrow('tehme')
// @ts-expect-error: no such key
dict.has('tehme')
// @ts-expect-error: no such key
dict.set('tehme', 'dark')
// @ts-expect-error: no such key
dict.delete('tehme')
// @ts-expect-error: no such key
dict.pop('tehme')
// @ts-expect-error: no such key
dict.pop('tehme', undefined)
// @ts-expect-error: no such key
dict.setDefault('tehme', 'dark')
// @ts-expect-error: no such key
dict.update({ tehme: 'dark' })
// @ts-expect-error: no such key
dict.update([['tehme', 'dark']])
// @ts-expect-error: no such key
dict.watch({ key: 'tehme' })
// @ts-expect-error: no such key
dict.local.get('tehme')
// @ts-expect-error: no such key
dict.local.has('tehme')
// @ts-expect-error: no such key
dict.fresh.get('tehme')
// @ts-expect-error: no such key
dict.current().get('tehme')
dict.snapshot().then(snapshot => {
  // @ts-expect-error: no such key
  snapshot.get('tehme')
  // @ts-expect-error: no such key
  snapshot.has('tehme')
})
dict.transact(tx => {
  // @ts-expect-error: no such key
  tx.get('tehme')
  // @ts-expect-error: no such key
  tx.set('tehme', 'dark')
  // @ts-expect-error: no such key
  tx.update({ tehme: 'dark' })
  // @ts-expect-error: no such key
  tx.delete('tehme')
  // @ts-expect-error: no such key
  tx.has('tehme')
})
// @ts-expect-error: not text
dict.set('theme', 1)

// The compiler reports an error where the mistake is: each line below one of these comments is the only one that does
// not compile.
await RedisDict.open('settings', 'redis://localhost', {
  // @ts-expect-error: no such option
  autosnyc: true,
  defaults: { theme: 'light' },
})
await RedisDict.open('settings', 'redis://localhost', {
  // @ts-expect-error: a number
  timeout: '5s',
  defaults: { theme: 'light' },
})
await RedisDict.open('settings', 'redis://localhost', {
  // @ts-expect-error: no such way
  push: 'everything',
})
await MemoryDict.open<Settings>(undefined, {
  // @ts-expect-error: no such option
  autosnyc: true,
  defaults: { theme: 'light', perPage: 20 },
})
await MemoryDict.open<Settings>(undefined, {
  defaults: {
    perPage: 20,
    // @ts-expect-error: not a theme
    theme: 'blue',
  },
})
await MemoryDict.open<Settings>(undefined, {
  defaults: {
    theme: 'light',
    // @ts-expect-error: no such key
    perPgae: 20,
  },
})
await MemoryDict.open(undefined, {
  schema: { perPage: z.number() },
  defaults: {
    // @ts-expect-error: not a number
    perPage: 'many',
  },
})
await MemoryDict.open(undefined, {
  schema: { perPage: z.number() },
  // @ts-expect-error: no such option
  autosnyc: true,
})
await MemoryDict.open(undefined, {
  schema: {
    // @ts-expect-error: not a schema
    perPage: Number,
  },
})
await openDict('redis://localhost#settings', {
  defaults: { theme: 'light' },
  // @ts-expect-error: no such way
  push: 'everything',
})
await RedisDict.open(
  'settings',
  // @ts-expect-error: neither a client nor a URL
  6379,
  { defaults: { theme: 'light' } },
)
