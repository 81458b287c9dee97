import type { Commit, CommitStream, DurableDict, ModelDict, RevertOptions, Snapshot } from '../../src/index.js'
import { expectType, type Settings } from './settings.js'

declare const dict: DurableDict<Settings>
declare const model: ModelDict<Settings>
declare const id: string

// The history, typed by the dictionary.
expectType<CommitStream<Commit<Settings>>>()(dict.history())
expectType<CommitStream<Commit<Settings>>>()(dict.history({ key: 'theme', limit: 20, before: id }))
expectType<Promise<Commit<Settings>[]>>()(
  dict.history({ key: undefined, limit: undefined, signal: undefined }).toArray(),
)
expectType<Promise<number>>()(dict.history.forget({ by: 'ada' }))
for await (const { at, by, reason, changes } of dict.history()) {
  expectType<Date>()(at)
  expectType<string | undefined>()(by)
  expectType<string | undefined>()(reason)
  for (const { key, before, after } of changes) {
    expectType<'theme' | 'perPage' | 'tags'>()(key)
    expectType<'dark' | 'light' | number | readonly string[] | undefined>()(before)
    expectType<'dark' | 'light' | number | readonly string[] | undefined>()(after)
  }
}
// @ts-expect-error: no such key
dict.history({ key: 'themes' })
// @ts-expect-error: no such option
dict.history({ keys: ['theme'] })
// @ts-expect-error: an id is a string
dict.history({ before: 7 })
// @ts-expect-error: an author is an object
dict.history.forget('ada')

// Undo.
expectType<Promise<void>>()(dict.revert(id))
expectType<Promise<void>>()(
  dict.revert(id, { keys: ['theme'], force: true, everywhere: true, by: 'ada', reason: 'why' }),
)
dict.revert(id, { keys: undefined, force: undefined, by: undefined } satisfies RevertOptions<'theme'>)
// @ts-expect-error: no such key
dict.revert(id, { keys: ['themes'] })
// @ts-expect-error: a commit is named by its id
dict.revert({} as Commit<Settings>)

// The past.
expectType<Promise<Snapshot<Settings>>>()(dict.at(id))
expectType<Promise<Snapshot<Settings>>>()(dict.at(new Date()))
// @ts-expect-error: neither an id nor a date
dict.at(0)

// Views are of the same class.
expectType<DurableDict<Settings>>()(dict.as({ by: 'ada', reason: undefined }))
expectType<ModelDict<Settings>>()(model.as({ by: 'ada' }))
model.as({ by: 'ada' }).touch('theme')
// @ts-expect-error: no such option
dict.as({ everywhere: true })

// A dictionary with more defaults is still assignable to one with fewer.
declare const withDefaults: DurableDict<Settings, 'theme'>
const fewer: DurableDict<Settings> = withDefaults
fewer.history()
