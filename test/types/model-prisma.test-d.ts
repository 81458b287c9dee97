import type { Types } from '@prisma/client/runtime/client'
import { ModelDict, type ModelManager, prismaManager } from '../../src/index.js'

type Extensions = Types.Extensions.InternalArgs
type Extended<Columns extends object> = Types.Extensions.InternalArgs<{ setting: Columns }>

/** The relevant part of what Prisma generates. The page on Prisma tests that all of it fits. */
interface Delegate<E extends Extensions> {
  [K: symbol]: {
    types: {
      payload: {
        name: 'Setting'
        objects: object
        scalars: Types.Extensions.GetPayloadResult<
          { id: number; key: string; value: string; note: string | null },
          E['result']['setting']
        >
        composites: object
      }
    }
    meta: { name: 'Setting' }
  }
  findMany<T extends { where?: { key?: string } }>(args?: T): Promise<object[]>
  createMany<T extends { data: object }>(args?: T): Promise<{ count: number }>
}

interface Client<E extends Extensions = Types.Extensions.DefaultArgs> {
  $connect(): Promise<void>
  $transaction<R>(work: (client: Omit<Client<E>, '$connect'>) => Promise<R>, options?: object): Promise<R>
  $queryRawUnsafe<T = unknown>(query: string, ...values: unknown[]): Promise<T>
  get setting(): Delegate<E>
}

interface Setting {
  id: number
  key: string
  value: string
  note: string | null
}

declare const prisma: Client
declare const extended: Client<Extended<{ title: () => { compute: (row: object) => string } }>>

// A manager knows the model.
prismaManager(prisma, 'setting') satisfies ModelManager<Setting>
prismaManager(prisma.setting) satisfies ModelManager<Setting>
const dict = await ModelDict.open(prismaManager(prisma, 'setting'), { returnInstances: true })
const setting = await dict.getOrThrow('theme')
setting.note satisfies string | null
// @ts-expect-error a row has no such column
setting.missing
dict.local.get('theme')?.id satisfies number | undefined

// So does the model itself.
const same = await ModelDict.open(prisma.setting, { returnInstances: true, keyCol: 'key' })
const row = await same.getOrThrow('theme')
row satisfies Setting
// @ts-expect-error a row has no such column
row.missing
// Writes accept an instance, or any value for the value column.
await same.set('theme', { dark: true })
await same.set('theme', { ...row, note: 'mine' })

// Computed fields of extensions are present.
const more = await ModelDict.open(prismaManager(extended, 'setting'), { returnInstances: true })
;(await more.getOrThrow('theme')).title satisfies string
;(await more.getOrThrow('theme')).note satisfies string | null
// @ts-expect-error neither a column nor computed
;(await more.getOrThrow('theme')).missing

// Without instances, the caller names the type of values.
const typed = await ModelDict.open<{ theme: string }>(prisma.setting)
;(await typed.getOrThrow('theme')) satisfies string
// @ts-expect-error it is text
await typed.set('theme', 1)

// @ts-expect-error the client has no such model
prismaManager(prisma, 'settings')
// @ts-expect-error no model
prismaManager(prisma, '$connect')
// @ts-expect-error no model
prismaManager(prisma)
