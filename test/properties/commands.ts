import fc from 'fast-check'

/** Few, so that operations meet, including keys that break a plain object. `d` has a default. */
export const KEYS = ['a', 'b', 'd', '__proto__', 'constructor', 'ключ 🗝'] as const

export const DEFAULTS = { d: { default: true } } as const

export type Value = number | string | { readonly n: number } | readonly number[]

export type TxStep =
  | { readonly do: 'get' | 'has' | 'delete' | 'pop'; readonly key: string }
  | { readonly do: 'set' | 'setDefault'; readonly key: string; readonly value: Value }
  | { readonly do: 'keys' | 'clear' | 'entries' | 'size' }
  | { readonly do: 'update'; readonly pairs: readonly (readonly [string, Value])[] }

export type Command = { readonly dict: 0 | 1 } & (
  | { readonly do: 'get' | 'getOrThrow' | 'has' | 'delete' | 'pop' | 'watchKey'; readonly key: string }
  | { readonly do: 'localGet' | 'localHas'; readonly key: string }
  | { readonly do: 'size' | 'keys' | 'values' | 'entries' | 'iterate' | 'local' | 'clear' | 'sync' | 'turn' }
  | { readonly do: 'snapshot' | 'watch' | 'setUndefined' | 'badUpdate' }
  | { readonly do: 'set' | 'setDefault' | 'popFallback'; readonly key: string; readonly value: Value }
  | {
      readonly do: 'update'
      readonly pairs: readonly (readonly [string, Value])[]
      readonly as: 'map' | 'object' | 'pairs'
    }
  | { readonly do: 'transact'; readonly steps: readonly TxStep[]; readonly ending: 'commit' | 'throw' | 'conflict' }
)

const key = fc.constantFrom<string>(...KEYS)
const value: fc.Arbitrary<Value> = fc.oneof(
  fc.nat({ max: 3 }),
  fc.constantFrom('', 'x'),
  fc.record({ n: fc.nat({ max: 2 }) }),
  fc.array(fc.nat({ max: 2 }), { maxLength: 2 }),
)
const pairs = fc.array(fc.tuple(key, value), { maxLength: 4 })

const steps = fc.array(
  fc.oneof(
    { weight: 4, arbitrary: fc.record({ do: fc.constantFrom('get', 'has', 'delete', 'pop'), key }) },
    { weight: 4, arbitrary: fc.record({ do: fc.constantFrom('set', 'setDefault'), key, value }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constantFrom('keys', 'clear', 'entries', 'size') }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('update' as const), pairs }) },
  ) as fc.Arbitrary<TxStep>,
  { maxLength: 5 },
)

const dict = fc.constantFrom<0 | 1>(0, 1)

const READS_BY_KEY = ['get', 'getOrThrow', 'has', 'localGet', 'localHas', 'watchKey'] as const
const READS = ['size', 'keys', 'values', 'entries', 'iterate', 'local', 'snapshot', 'watch', 'sync', 'turn'] as const

export const command = fc.oneof(
  { weight: 6, arbitrary: fc.record({ dict, do: fc.constantFrom(...READS_BY_KEY), key }) },
  { weight: 8, arbitrary: fc.record({ dict, do: fc.constantFrom(...READS) }) },
  { weight: 3, arbitrary: fc.record({ dict, do: fc.constantFrom('delete', 'pop'), key }) },
  { weight: 7, arbitrary: fc.record({ dict, do: fc.constantFrom('set', 'setDefault', 'popFallback'), key, value }) },
  { weight: 1, arbitrary: fc.record({ dict, do: fc.constantFrom('clear', 'setUndefined', 'badUpdate') }) },
  {
    weight: 2,
    arbitrary: fc.record({
      dict,
      do: fc.constant('update' as const),
      pairs,
      as: fc.constantFrom('map', 'object', 'pairs'),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      dict,
      do: fc.constant('transact' as const),
      steps,
      ending: fc.constantFrom('commit', 'commit', 'commit', 'throw', 'conflict'),
    }),
  },
) as fc.Arbitrary<Command>
