// Compiled by every TypeScript that the library supports.
import { type } from 'arktype'
import {
  type Change,
  type DurableDict,
  DurableDictError,
  type Encoding,
  KeyError,
  MemoryDict,
  openDict,
  RedisDict,
  type Snapshot,
  SqliteDict,
} from 'durabledict'
import { MemoryDict as FromEntry } from 'durabledict/memory'
import * as v from 'valibot'
import { z } from 'zod'

interface Settings {
  theme: 'light' | 'dark'
  perPage: number
}

export async function byHand(): Promise<number> {
  const dict = await MemoryDict.open<Settings>(undefined, { defaults: { theme: 'light' } })
  await dict.set('perPage', 20)
  // @ts-expect-error no such key
  await dict.get('them')
  // @ts-expect-error not such a value
  await dict.set('theme', 'blue')
  for (const [key, value] of dict.local) void [key, value]
  for (const key of dict.local.keys()) key satisfies string
  for await (const change of dict.watch()) void (change satisfies Change<Settings>)
  const total = await dict.transact(async tx => (await tx.get('perPage')) ?? 0)
  const state: Snapshot<Settings> = await dict.snapshot()
  return total + (state.get('perPage') ?? 0)
}

export async function byDefaults(): Promise<number> {
  const dict = await RedisDict.open('settings', 'redis://localhost', { defaults: { theme: 'light', perPage: 20 } })
  const exact: DurableDict<{ theme: string; perPage: number }, 'theme' | 'perPage'> = dict
  // @ts-expect-error no such key
  await dict.get('tehme')
  // @ts-expect-error no such key
  await dict.update({ tehme: 'dark' })
  const named = await openDict<Settings>('redis://localhost#x', {
    defaults: { theme: 'light', perPage: 20 },
    push: 'signal',
  })
  ;(await named.get('theme')) satisfies 'light' | 'dark'
  const some: DurableDict<Settings, 'theme'> = await MemoryDict.open(undefined, { defaults: { theme: 'light' } })
  const fewer: DurableDict<Settings> = named
  await MemoryDict.open(undefined, {
    defaults: { theme: 'light' },
    // @ts-expect-error no such option
    autosnyc: true,
  })
  await MemoryDict.open<Settings>(undefined, {
    defaults: {
      // @ts-expect-error no such key
      tehme: 'light',
    },
  })
  void [exact, some, fewer]
  const { theme, perPage } = dict.current().toObject()
  const derived = dict.derive(state => state.get('theme').length + perPage, { keys: ['theme'] })
  // @ts-expect-error a key that is not named
  dict.derive(state => state.get('perPage'), { keys: ['theme'] })
  return theme.length + (derived.lastGood ?? derived.current)
}

export function statusOf(error: unknown): number {
  if (!(error instanceof DurableDictError)) return 500
  switch (error.code) {
    case 'DURABLEDICT_SERVICE_UNAVAILABLE':
      return error.status
    // @ts-expect-error no such code
    case 'DURABLEDICT_STALLED':
      return 1
    default:
      return error.key === undefined ? 500 : 400
  }
}

const zodRecord = { theme: z.enum(['light', 'dark']), perPage: z.number().int() }
const valibotRecord = { theme: v.picklist(['light', 'dark']), perPage: v.pipe(v.number(), v.integer()) }
const arktypeRecord = {
  theme: type("'light' | 'dark'"),
  perPage: type('number.integer'),
  limits: type({ max: 'number', 'name?': 'string' }),
}

export async function bySchema(): Promise<void> {
  const zod = await SqliteDict.open('settings', 'settings.db', { schema: zodRecord, defaults: { perPage: 10 } })
  ;(await zod.get('perPage')) satisfies number
  const valibot = await RedisDict.open('settings', 'redis://localhost', {
    schema: valibotRecord,
    defaults: { theme: 'dark' },
  })
  ;(await valibot.get('theme')) satisfies 'light' | 'dark'
  const arktype = await SqliteDict.open('settings', 'settings.db', {
    schema: arktypeRecord,
    defaults: { theme: 'light' },
  })
  ;(await arktype.get('theme')) satisfies 'light' | 'dark'
  ;(await arktype.get('perPage')) satisfies number | undefined
  ;(await arktype.get('limits'))?.max satisfies number | undefined
  // @ts-expect-error not such a value
  await arktype.set('perPage', 'many')
  const one = await MemoryDict.open(undefined, { schema: type({ max: 'number' }) })
  ;(await one.get('anything'))?.max satisfies number | undefined
  const oneZod = await openDict('sqlite:./app.db#settings', { schema: z.object({ max: z.number() }) })
  ;(await oneZod.get('anything'))?.max satisfies number | undefined
  const oneValibot = await FromEntry.open(undefined, { schema: v.object({ max: v.number() }) })
  ;(await oneValibot.get('anything'))?.max satisfies number | undefined
}

export function isMissing(error: unknown, dict: DurableDict, encoding: Encoding<string>): string | undefined {
  return error instanceof KeyError ? `${error.key} ${dict.name} ${encoding.name}` : undefined
}
