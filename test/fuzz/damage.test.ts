import { join } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import { prepare } from '../../scripts/prepare.js'
import { root } from '../../scripts/run.js'
import { MemoryDict, MemoryStore, StoreUnavailableError } from '../../src/index.js'
import { damage } from '../../torture/fuzz/damage/damage.js'
import { DAMAGEABLE, type Place, type Store } from '../../torture/fuzz/damage/stores.js'
import { SECRET } from '../../torture/fuzz/spoil.js'
import { LONG } from '../form.js'

beforeAll(() => prepare({ build: true }))

/** How many stores are damaged. */
const ROUNDS = LONG ? 1_000 : 12

const seed = `${Math.random()}`

test('a damaged record of SQLite crashes nobody, and the next write works', { timeout: 600_000 }, async () => {
  const store = (await DAMAGEABLE.sqlite?.(join(root, 'dist'))) as Store
  const { failure } = await damage(store, { seed, rounds: ROUNDS })
  expect(failure).toBeUndefined()
})

type Dict = Awaited<ReturnType<Place['open']>>

/** Stores in memory whose dictionaries differ from those of the library once a record is damaged. */
function withFault(onDamage: () => void, alter: (dict: Dict) => object): Store {
  const create = async () => {
    const store = new MemoryStore()
    let isDamaged = false
    const record = { name: 'all', bytes: Buffer.from('x'), put: spoil, remove: spoil }
    async function spoil() {
      isDamaged = true
      onDamage()
    }
    const open = async (options: object) => {
      const dict = (await MemoryDict.open(store, options)) as unknown as Dict
      const altered = alter(dict) as Record<PropertyKey, unknown>
      return new Proxy(dict, {
        get(target, name) {
          if (isDamaged && name in altered) return altered[name]
          const value = Reflect.get(target, name, target)
          return typeof value === 'function' && name !== 'history' ? value.bind(target) : value
        },
      })
    }
    return { library: {} as Place['library'], open, records: async () => [record] }
  }
  return { create, stop: async () => {} }
}

// Without these, a check that accepts everything would prove nothing.
describe('the check of damaged stores finds a library that', () => {
  const broken: Record<string, [found: string, onDamage: () => void, alter: (dict: Dict) => object]> = {
    'throws an error of the engine': [
      'failed: TypeError',
      () => {},
      () => ({ set: () => Promise.reject(new TypeError('x')) }),
    ],
    'leaves a rejection unhandled': ['Nobody handles', () => void Promise.reject(new Error('nobody')), () => ({})],
    'quotes what is stored in a warning': [
      'A warning contains',
      () => process.emitWarning(SECRET, 'DurableDictWarning'),
      () => ({}),
    ],
    'fails without saying what to do': [
      'does not say what to do',
      () => {},
      () => ({ set: () => Promise.reject(new StoreUnavailableError('It is damaged.')) }),
    ],
    'loses a write': ['b does not see', () => {}, () => ({ set: async () => {} })],
    'keeps what is not stored': ['Memory differs', () => {}, dict => ({ version: `${Math.random()} ${dict.name}` })],
  }
  for (const [name, [found, onDamage, alter]] of Object.entries(broken)) {
    test(name, async () => {
      const { failure } = await damage(withFault(onDamage, alter), { seed, rounds: 50 })
      expect(failure).toContain(found)
    })
  }
})
