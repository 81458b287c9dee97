import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Change, Effect } from '../../../src/contract/backend.js'
import type { Decode } from '../../../src/replica/entries.js'
import type { FrozenState } from '../../../src/replica/frozen-state.js'
import { Memory } from '../../../src/replica/memory.js'
import { collectGarbage } from '../../garbage.js'

const KEYS = ['a', 'b', 'c', 'd', '__proto__', 'constructor'] as const

const decode: Decode = (_key, stored) => ({ value: `decoded ${stored}`, shareable: String(stored).endsWith('0') })

type Move =
  | { readonly move: 'change'; readonly effects: readonly Effect[] }
  | { readonly move: 'replace'; readonly entries: readonly (readonly [string, string])[] }
  | { readonly move: 'freeze' }
  | { readonly move: 'drop'; readonly index: number }
  | { readonly move: 'read'; readonly index: number; readonly key: string }

const key = fc.constantFrom<string>(...KEYS)
const stored = fc.nat({ max: 30 }).map(String)
const effect: fc.Arbitrary<Effect> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ type: fc.constant('set' as const), key, stored }) },
  { weight: 4, arbitrary: fc.record({ type: fc.constant('delete' as const), key }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('clear' as const) }) },
)
const move: fc.Arbitrary<Move> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({ move: fc.constant('change' as const), effects: fc.array(effect, { maxLength: 4 }) }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ move: fc.constant('replace' as const), entries: fc.array(fc.tuple(key, stored)) }),
  },
  { weight: 5, arbitrary: fc.record({ move: fc.constant('freeze' as const) }) },
  { weight: 2, arbitrary: fc.record({ move: fc.constant('drop' as const), index: fc.nat() }) },
  { weight: 4, arbitrary: fc.record({ move: fc.constant('read' as const), index: fc.nat(), key }) },
)

function perform(model: Map<string, string>, effect: Effect): void {
  if (effect.type === 'set') model.set(effect.key, effect.stored)
  else if (effect.type === 'delete') model.delete(effect.key)
  else model.clear()
}

function expectSame(state: FrozenState, model: ReadonlyMap<string, string>): void {
  expect(state.size).toBe(model.size)
  expect(state.keys().sort()).toEqual([...model.keys()].sort())
  for (const key of KEYS) {
    expect(state.stored(key)).toBe(model.get(key))
    expect(state.has(key)).toBe(model.has(key))
    expect(state.get(key)).toBe(model.has(key) ? `decoded ${model.get(key)}` : undefined)
  }
}

describe('FrozenState', () => {
  test('every held state equals a copy made at its time, through any history', () => {
    const history = fc.array(move, { maxLength: 60 })
    fc.assert(
      fc.property(history, fc.array(fc.tuple(key, stored)), (moves, initial) => {
        let version = 0
        const memory = new Memory({ version, entries: new Map(initial) }, decode)
        let model = new Map(initial)
        const held: [FrozenState, ReadonlyMap<string, string>][] = []
        for (const one of moves) {
          if (one.move === 'change') {
            version += 1
            memory.apply({ previous: version - 1, version, effects: one.effects } as Change<unknown>)
            for (const effect of one.effects) perform(model, effect)
          } else if (one.move === 'replace') {
            version += 1
            memory.replace({ version, entries: new Map(one.entries) })
            model = new Map(one.entries)
          } else if (one.move === 'freeze') {
            held.push([memory.freeze(), new Map(model)])
          } else if (held.length > 0 && one.move === 'drop') {
            held.splice(one.index % held.length, 1)
          } else if (held.length > 0 && one.move === 'read') {
            const [state, copy] = held[one.index % held.length] as (typeof held)[number]
            expect(state.stored(one.key)).toBe(copy.get(one.key))
            // Reading decodes, and decoded values must not show up in other states.
            state.get(one.key)
          }
        }
        for (const [state, copy] of held) expectSame(state, copy)
        expectSame(memory.freeze(), model)
      }),
      { numRuns: 2_000 },
    )
  })

  test('a state is the same object until memory advances', () => {
    const memory = new Memory({ version: 0, entries: [['a', '1']] }, decode)
    const before = memory.freeze()
    expect(memory.freeze()).toBe(before)
    memory.apply({ previous: 0, version: 1, effects: [] })
    expect(memory.freeze()).not.toBe(before)
  })

  test('a long chain of held states keeps a different value of the same key in each', () => {
    const memory = new Memory({ version: 0, entries: [['same', 'x']] }, decode)
    const states: FrozenState[] = []
    for (let version = 1; version <= 500; version += 1) {
      memory.apply({
        previous: version - 1,
        version,
        effects: [{ type: 'set', key: 'n', stored: String(version) }],
      })
      states.push(memory.freeze())
    }
    expect(states.map(state => state.stored('n'))).toEqual(states.map((_, index) => String(index + 1)))
    expect(new Set(states.map(state => state.stored('same')))).toEqual(new Set(['x']))
  })

  test('a value that cannot be decoded fails for its own key only, in the past as in the present', () => {
    const memory = new Memory(
      {
        version: 0,
        entries: [
          ['bad', 'bad'],
          ['good', '1'],
        ],
      },
      (_key, stored) => {
        if (stored === 'bad') throw new RangeError('bad')
        return { value: stored, shareable: true }
      },
    )
    const state = memory.freeze()
    memory.apply({
      previous: 0,
      version: 1,
      effects: [
        { type: 'delete', key: 'bad' },
        { type: 'delete', key: 'good' },
      ],
    })
    expect(() => state.get('bad')).toThrow(RangeError)
    expect(state.has('bad')).toBe(true)
    expect(state.get('good')).toBe('1')
  })

  test('a dropped state is collected and its undo log with it', async () => {
    const memory = new Memory({ version: 0, entries: [] }, decode)
    const dropped = (() => new WeakRef(memory.freeze()))()
    for (let turn = 0; turn < 10 && dropped.deref(); turn += 1) {
      await new Promise(resolve => setImmediate(resolve))
      collectGarbage()
    }
    expect(dropped.deref()).toBeUndefined()
  })
})
