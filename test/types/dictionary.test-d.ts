import {
  type Change,
  type DictView,
  DurableDict,
  JSONEncoding,
  MemoryDict,
  MemoryStore,
  NoOpEncoding,
  RichEncoding,
  type Snapshot,
  type Transaction,
} from '../../src/index.js'
import { expectType, type Settings, type SettingsInterface } from './settings.js'

declare const dict: DurableDict<Settings>

// Reads, typed by key.
expectType<Promise<'dark' | 'light' | undefined>>()(dict.get('theme'))
expectType<Promise<number | undefined>>()(dict.get('perPage'))
expectType<Promise<number>>()(dict.getOrThrow('perPage'))
expectType<Promise<boolean>>()(dict.has('theme'))
expectType<Promise<number>>()(dict.size())
expectType<Promise<('theme' | 'perPage' | 'tags')[]>>()(dict.keys())
expectType<'dark' | 'light' | undefined>()(dict.local.get('theme'))
// @ts-expect-error: no such key
dict.get('themes')
// @ts-expect-error: no such key
dict.getOrThrow('themes')
// @ts-expect-error: no such key
dict.has('themes')
// @ts-expect-error: no such key
dict.local.get('themes')
// @ts-expect-error: keys are strings
dict.get(1)
// @ts-expect-error: it may be missing
const perPage: number = await dict.get('perPage')
for await (const [key, value] of dict) {
  expectType<'theme' | 'perPage' | 'tags'>()(key)
  expectType<number | 'dark' | 'light' | readonly string[] | undefined>()(value)
}
// @ts-expect-error: a view of memory cannot be written
dict.local.set('theme', 'dark')

// Writes.
dict.set('theme', 'dark')
dict.set('perPage', 20, { everywhere: true })
dict.update({ theme: 'dark' })
dict.update({ theme: 'dark', perPage: 20 })
dict.update([['theme', 'dark']])
dict.update(new Map([['theme', 'dark'] as const]))
expectType<Promise<void>>()(dict.set('theme', 'dark'))
expectType<Promise<boolean>>()(dict.delete('theme'))
expectType<Promise<void>>()(dict.clear())
expectType<Promise<number>>()(dict.pop('perPage'))
expectType<Promise<number | null>>()(dict.pop('perPage', null))
expectType<Promise<number | undefined>>()(dict.pop('perPage', undefined))
expectType<Promise<'dark' | 'light'>>()(dict.setDefault('theme', 'dark'))
// @ts-expect-error: not a theme
dict.set('theme', 'blue')
// @ts-expect-error: the value of another key
dict.set('theme', 20)
// @ts-expect-error: no such key
dict.set('themes', 'dark')
// @ts-expect-error: undefined is no value
dict.set('theme', undefined)
// @ts-expect-error: no such option
dict.set('theme', 'dark', { everyWhere: true })
// @ts-expect-error: not a theme
dict.update({ theme: 'blue' })
// @ts-expect-error: no such key
dict.update({ themes: 'dark' })
// @ts-expect-error: not a theme
dict.update([['theme', 'blue']])
// @ts-expect-error: undefined is no value
dict.update({ theme: undefined })
// @ts-expect-error: not a theme
dict.setDefault('theme', 'blue')
// @ts-expect-error: no such key
dict.pop('themes')
// @ts-expect-error: no such key
dict.delete('themes')

// Snapshots.
const snapshot = await dict.snapshot()
expectType<Snapshot<Settings>>()(snapshot)
expectType<number | undefined>()(snapshot.get('perPage'))
const map: ReadonlyMap<keyof Settings, unknown> = snapshot
void map
// @ts-expect-error: no such key
snapshot.get('themes')
// @ts-expect-error: nothing alters a snapshot
snapshot.set('theme', 'dark')

// Transactions.
expectType<Promise<number>>()(dict.transact(tx => (tx.get('perPage') ?? 0) + 1))
expectType<Promise<string>>()(dict.transact(async tx => tx.getOrThrow('theme') as string))
expectType<Promise<void>>()(dict.transact(tx => tx.set('perPage', 20), { retries: 3, everywhere: true }))
dict.transact(tx => {
  expectType<Transaction<Settings>>()(tx)
  expectType<'dark' | 'light'>()(tx.pop('theme'))
  expectType<'dark' | 'light' | null>()(tx.pop('theme', null))
  expectType<number>()(tx.setDefault('perPage', 20))
  tx.update({ theme: 'dark' })
  // @ts-expect-error: not a theme
  tx.set('theme', 'blue')
  // @ts-expect-error: no such key
  tx.get('themes')
  // @ts-expect-error: undefined is no value
  tx.update({ theme: undefined })
})
// @ts-expect-error: no such option
dict.transact(() => {}, { tries: 3 })

// Changes, by key.
for await (const change of dict.watch()) {
  expectType<Change<Settings>>()(change)
  expectType<'theme' | 'perPage' | 'tags'>()(change.key)
  expectType<'local' | 'remote'>()(change.origin)
}
for await (const change of dict.watch({ key: 'perPage', signal: new AbortController().signal })) {
  expectType<'perPage'>()(change.key)
  expectType<number | undefined>()(change.value)
  expectType<number | undefined>()(change.previous)
}
for await (const { key, value, previous } of dict.watch()) {
  if (key === 'theme') expectType<'dark' | 'light' | undefined>()(value)
  else if (key === 'perPage') expectType<number | undefined>()(previous)
}
for await (const { changes } of dict.history()) {
  for (const change of changes) {
    if (change.key === 'theme') expectType<'dark' | 'light' | undefined>()(change.after)
    else if (change.key === 'perPage') expectType<number | undefined>()(change.before)
  }
}
/** Code for dictionaries of any type can read every member. */
async function logChanges<T extends object>(any: DurableDict<T>): Promise<unknown[]> {
  for await (const change of any.watch()) {
    const key: string = change.key
    return [key, change.value, change.previous, change.version, change.origin, change.by]
  }
  for await (const { changes } of any.history()) return changes.map(({ key, before, after }) => [key, before, after])
  return []
}
logChanges(dict)
// @ts-expect-error: no such key
dict.watch({ key: 'themes' })

// Events.
dict
  .on('change', change => expectType<Change<Settings>>()(change))
  .on('sync', ({ reason }) => expectType<'changes' | 'loaded' | 'diverged'>()(reason))
  .on('stale', ({ cause, staleness }) => {
    expectType<unknown>()(cause)
    expectType<number>()(staleness)
  })
  .on('fresh', ({ staleness }) => expectType<number>()(staleness))
  .on('close', () => {})
// @ts-expect-error: no such event
dict.on('changed', () => {})
// @ts-expect-error: a listener is a function
dict.on('close', 'function')

// Opening.
expectType<Promise<DurableDict>>()(MemoryDict.open())
expectType<Promise<DurableDict<Settings>>>()(MemoryDict.open<Settings>())
// The type of the target determines the dictionary's type, too.
export const declared: Promise<DurableDict<Settings>> = MemoryDict.open(undefined, { defaults: { theme: 'dark' } })
expectType<Promise<DurableDict>>()(MemoryDict.open(new MemoryStore()))
expectType<Promise<DurableDict<Settings>>>()(MemoryDict.open<Settings>(new MemoryStore()))
expectType<Promise<DurableDict<Settings>>>()(MemoryDict.open<Settings>(undefined, { defaults: { theme: 'dark' } }))
expectType<Promise<DurableDict<SettingsInterface>>>()(MemoryDict.open<SettingsInterface>(new MemoryStore(), {}))
MemoryDict.open(undefined, { autosync: false, live: true, timeout: 100, maxStaleness: 50, resyncEvery: 1_000 })
MemoryDict.open(undefined, { lastKnown: './settings.last.json', whenDown: 'serve' })
MemoryDict.open(undefined, {
  lastKnown: { file: './settings.last.json', maxAge: 86_400_000, seed: './settings.seed.json' },
})
// @ts-expect-error: the file is required
MemoryDict.open(undefined, { lastKnown: { seed: './settings.seed.json' } })
// @ts-expect-error: 'fail' is for web frameworks
MemoryDict.open(undefined, { whenDown: 'fail' })
export const originOf = (dict: DurableDict): 'store' | 'last-known' | 'seed' => dict.origin
// @ts-expect-error: no such option
MemoryDict.open(undefined, { autoSync: false })
// @ts-expect-error: a number of milliseconds
MemoryDict.open(undefined, { timeout: '100' })
// @ts-expect-error: not a theme
MemoryDict.open<Settings>(undefined, { defaults: { theme: 'blue' } })
// @ts-expect-error: no such key
MemoryDict.open<Settings>(undefined, { defaults: { themes: 'dark' } })
// @ts-expect-error: options come second
MemoryDict.open({ autosync: false })
// @ts-expect-error: a backend needs its four methods
DurableDict.open({ persist() {} })
// @ts-expect-error: opened with open(), not with new
new DurableDict({})

// Encodings: as objects, as classes, and custom ones.
for (const encoding of [new RichEncoding(), new JSONEncoding(), new NoOpEncoding(), RichEncoding, JSONEncoding]) {
  MemoryDict.open(undefined, { encoding, oldEncoding: encoding })
}
const own = { name: 'own', encode: (value: unknown) => String(value), decode: (stored: string) => stored }
MemoryDict.open(undefined, { encoding: own })
// @ts-expect-error: it cannot decode
MemoryDict.open(undefined, { encoding: { name: 'half', encode: String } })

// A four-method backend.
expectType<Promise<DurableDict>>()(
  DurableDict.open({
    persist: (_key: string, _stored: string) => {},
    depersist: async (_key: string) => false,
    durables: () => new Map<string, string>(),
    lastUpdated: () => 1,
  }),
)

// Assignability: a more specific type is assignable to a less specific one, never the reverse.
declare const defaulted: DurableDict<Settings, 'theme'>
declare const withInterface: DurableDict<SettingsInterface>
const less: DurableDict<Settings> = defaulted
// @ts-expect-error: the key theme may be missing
const more: DurableDict<Settings, 'theme'> = dict
// @ts-expect-error: other keys
const other: DurableDict<{ other: number }> = dict
expectType<Promise<'dark' | 'light'>>()(defaulted.get('theme'))
expectType<Promise<number | undefined>>()(defaulted.get('perPage'))
expectType<'dark' | 'light'>()(defaulted.local.get('theme'))
expectType<'dark' | 'light'>()((await defaulted.snapshot()).get('theme'))
expectType<Promise<'dark' | 'light'>>()(defaulted.transact(tx => tx.get('theme')))
expectType<Promise<'dark' | 'light' | undefined>>()(withInterface.get('theme'))
const readable: DictView<Settings> = defaulted.local
const memory: MemoryDict<Settings> = dict
void [perPage, less, more, other, readable, memory]

// Without types every string is a key, and values are unknown.
declare const untyped: DurableDict
expectType<Promise<unknown>>()(untyped.get('anything'))
untyped.set('anything', { at: ['all'] })
untyped.update({ any: 1, thing: 'x' })
