import type { Derived, DurableDict, Snapshot } from '../../src/index.js'
import { expectType, type Settings } from './settings.js'

declare const dict: DurableDict<Settings, 'perPage'>

// A plain object of the dictionary's own type.
expectType<Readonly<Settings>>()(dict.local.toObject())
expectType<Readonly<Settings>>()(dict.fresh.toObject())
expectType<Readonly<Settings>>()(dict.current().toObject())
expectType<Readonly<Settings>>()((await dict.snapshot()).toObject())
const { theme, perPage } = dict.current().toObject()
expectType<'dark' | 'light'>()(theme)
expectType<number>()(perPage)
const settings: Settings = dict.local.toObject()
// @ts-expect-error: it is frozen
dict.local.toObject().perPage = 1
// @ts-expect-error: no such key
dict.local.toObject().tehme

// A derived value has the type that the function returns.
expectType<Derived<number>>()(dict.derive(state => state.get('perPage') * 2))
expectType<number>()(dict.derive(state => state.get('perPage')).current)
expectType<number | undefined>()(dict.derive(state => state.get('perPage')).lastGood)
expectType<Derived<'dark' | 'light' | undefined>>()(dict.derive(state => state.get('theme'), { keys: ['theme'] }))
const typed = (state: Snapshot<Settings, 'perPage'>): number => state.get('perPage')
expectType<Derived<number>>()(dict.derive(typed, { keys: undefined }))
// @ts-expect-error: no such key
dict.derive(state => state.get('tehme'))
// @ts-expect-error: a key that is not named, whose changes would go unnoticed
dict.derive(state => state.get('theme'), { keys: ['perPage'] })
dict.derive(() => 1, {
  // @ts-expect-error: no such key
  keys: ['tehme'],
})
dict.derive(() => 1, {
  // @ts-expect-error: no such option
  key: ['theme'],
})
// @ts-expect-error: nothing assigns to it
dict.derive(() => 1).current = 2
void settings
