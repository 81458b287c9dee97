import { describe, expect, it } from 'vitest'
import { check } from '../../torture/checker/check.js'
import { judge } from '../../torture/checker/registers.js'
import { shrink } from '../../torture/checker/shrink.js'
import type { History, Loss, Operation } from '../../torture/types.js'

let count = 0

/** An operation on one key, by the time it was in progress. */
function operation(kind: Operation['kind'], [begin, end]: [number, number], rest: Partial<Operation> = {}): Operation {
  count += 1
  return { id: `${count}`, session: 's', kind, key: 'k', begin, end, outcome: 'done', ...rest }
}

const set = (value: string, begin: number, end: number, rest?: Partial<Operation>) =>
  operation('set', [begin, end], { value, ...rest })
const read = (result: string | undefined, begin: number, end: number, rest?: Partial<Operation>) =>
  operation('read', [begin, end], { result, ...rest })
const pop = (result: string | undefined, begin: number, end: number) => operation('pop', [begin, end], { result })
const doubt = { outcome: 'unknown', end: Number.POSITIVE_INFINITY } as const

const EMPTY: History = {
  operations: [],
  losses: [],
  seen: [],
  syncs: [],
  locals: [],
  pairs: [],
  finals: [],
  opened: {},
  faults: [],
}

const rulesOf = (history: Partial<History>) => check({ ...EMPTY, ...history }).violations.map(({ rule }) => rule)
const answer = (operations: Operation[], losses: Loss[] = []) => judge('k', operations, losses)

describe('the history of one key', () => {
  it.each<[string, Operation[]]>([
    ['a read after a write', [set('a', 0, 1), read('a', 2, 3)]],
    ['a read of nothing before a write', [read(undefined, 0, 1), set('a', 2, 3)]],
    ['a read that overlaps a write, either way', [set('a', 0, 10), read(undefined, 1, 2), read('a', 3, 4)]],
    [
      'two writes that overlap, in either order',
      [set('a', 0, 10), set('b', 0, 10), read('b', 11, 12), read('b', 13, 14)],
    ],
    ['a pop, and nothing after it', [set('a', 0, 1), pop('a', 2, 3), pop(undefined, 4, 5)]],
    [
      'a write in doubt that took effect late',
      [set('a', 0, 1, doubt), set('b', 2, 3), read('b', 4, 5), read('a', 6, 7)],
    ],
    ['a write in doubt that had no effect', [set('a', 0, 1, doubt), read(undefined, 2, 3)]],
    ['a removal in doubt', [set('a', 0, 1), operation('delete', [2, 3], doubt), read(undefined, 4, 5)]],
    ['a removal that found a write in doubt', [set('a', 0, 1, doubt), operation('delete', [2, 3], { result: true })]],
    ['a default that was stored', [operation('setDefault', [0, 1], { value: 'a', result: 'a' }), read('a', 2, 3)]],
    ['a default that was not stored', [set('a', 0, 1), operation('setDefault', [2, 3], { value: 'b', result: 'a' })]],
    ['a transaction', [set('1', 0, 1), operation('transact', [2, 3], { expected: '1', value: '2' }), read('2', 4, 5)]],
    ['a read within its bound', [set('a', 0, 1), set('b', 2, 3), read('a', 6, 6, { bound: 5 })]],
    ['a rejected write', [set('a', 0, 1, { outcome: 'none' }), read(undefined, 2, 3)]],
  ])('is possible: %s', (_name, operations) => expect(answer(operations)).toBe('yes'))

  it.each<[string, Operation[]]>([
    ['an old value', [set('a', 0, 1), set('b', 2, 3), read('a', 4, 5)]],
    ['a value that comes back', [set('a', 0, 9), set('b', 0, 9), read('a', 10, 11), read('b', 12, 13)]],
    ['a lost write', [set('a', 0, 1), read(undefined, 2, 3)]],
    ['a value that is popped twice', [set('a', 0, 1), pop('a', 2, 9), pop('a', 2, 9)]],
    ['a write seen before it began', [read('a', 0, 1), set('a', 2, 3)]],
    ['a removal of nothing', [operation('delete', [0, 1], { result: true })]],
    [
      'an update that is lost',
      [
        set('1', 0, 1),
        operation('transact', [2, 9], { expected: '1', value: '2a' }),
        operation('transact', [2, 9], { expected: '1', value: '2b' }),
      ],
    ],
    ['a read older than its bound', [set('a', 0, 1), set('b', 2, 3), read('a', 9, 9, { bound: 5 })]],
    [
      'memory older than what is everywhere',
      [set('a', 0, 1), set('b', 2, 3, { everywhere: true }), read('a', 4, 4, { bound: 5 })],
    ],
  ])('is impossible: %s', (_name, operations) => expect(answer(operations)).toBe('no'))

  it('may contain a write that the store lost and then restored', () => {
    const loss: Loss = { kind: 'rollback', begin: 4, end: 5, entries: { k: 'a' } }
    const operations = [set('a', 0, 1), set('b', 2, 3), read('a', 6, 7)]
    expect(answer(operations, [loss])).toBe('yes')
    expect(answer(operations, [{ ...loss, keys: ['other'] }])).toBe('no')
  })

  it('need not satisfy readers that relied on a bound the store has since lost', () => {
    const loss: Loss = { kind: 'FLUSHALL', begin: 2, end: 3, entries: {} }
    const operations = [set('a', 0, 1), set('b', 4, 5, { everywhere: true }), read('a', 6, 6, { bound: 5 })]
    expect(answer(operations, [loss])).toBe('yes')
    expect(answer([...operations, read(undefined, 9, 9, { bound: 5 })], [loss])).toBe('no')
  })

  it('is decided quickly, however many operations overlap', () => {
    const operations = Array.from({ length: 300 }, (_, index) => [
      set(`${index}`, index, index + 12),
      read(`${index}`, index + 6, index + 14),
      set(`doubt ${index}`, index, index, doubt),
    ]).flat()
    expect(answer(operations)).toBe('yes')
  })

  it('is shortened to a minimal counterexample', () => {
    const noise = Array.from({ length: 50 }, (_, index) => [
      set(`${index}`, index * 10, index * 10 + 1),
      read(`${index}`, index * 10 + 2, index * 10 + 3),
    ]).flat()
    const operations = [...noise, set('a', 600, 601), set('b', 602, 603), read('a', 604, 605), set('c', 700, 701)]
    const shortest = shrink(operations, some => some.length > 0 && answer([...some]) === 'no')
    expect(shortest.map(({ value, result }) => value ?? result)).toEqual(['a', 'b', 'a'])
  })
})

describe('a run', () => {
  const at = 1
  const session = 's'

  it('passes if nothing happened', () => expect(rulesOf({})).toEqual([]))

  it.each<[string, Partial<History>]>([
    ['each key is linearizable', { operations: [set('a', 0, 1)], store: { at: 9, entries: {} } }],
    [
      'no read older than a write that was everywhere',
      { operations: [set('a', 0, 1), set('b', 2, 3, { everywhere: true }), read('a', 4, 4, { bound: 5 })] },
    ],
    [
      'no read from memory older than its bound',
      { operations: [set('a', 0, 1), set('b', 2, 3), read('a', 9, 9, { bound: 5 })] },
    ],
    ['nothing is there that was not written', { operations: [read('a', 0, 1)] }],
    ['nothing is there that was not written', { operations: [set('a', 0, 1, { outcome: 'none' }), read('a', 2, 3)] }],
    ['each value is popped once', { operations: [set('a', 0, 1), pop('a', 2, 3), pop('a', 2, 3)] }],
    [
      'what is written together is seen together',
      { pairs: [{ session, at, view: 'local', key: 'k', left: 'a', right: undefined }] },
    ],
    [
      'one version, one state',
      {
        seen: [
          { session, at, version: '1', digest: 'a' },
          { session: 't', at, version: '1', digest: 'b' },
        ],
      },
    ],
    [
      'memory never goes back',
      { seen: ['1', '2', '1'].map((version, index) => ({ session, at: index, version, digest: version })) },
    ],
    [
      'reads of memory are monotonic',
      {
        operations: [set('1|w', 0, 1, { key: 'mono:w' }), set('2|w', 2, 3, { key: 'mono:w' })],
        locals: ['2|w', '1|w'].map((value, index) => ({ session, at: 9 + index, key: 'mono:w', value })),
      },
    ],
    [
      'a counter counts each increment once',
      { operations: [operation('transact', [0, 1], { value: '1|w' })], store: { at: 9, entries: { k: '2|w' } } },
    ],
    [
      'every replica equals the store',
      { finals: [{ session, version: '1', entries: { k: 'a' } }], store: { at, entries: {} } },
    ],
    [
      'divergence is reported',
      {
        opened: { s: 0 },
        seen: [{ session, at, version: '5-x', digest: 'a' }],
        losses: [{ kind: 'FLUSHALL', begin: 2, end: 3, entries: {}, survived: 0 }],
        finals: [{ session, version: '1-y', entries: {} }],
      },
    ],
    ['no crash, no stray error', { faults: ['it crashed'] }],
  ])('is found to violate: %s', (rule, history) => expect(rulesOf(history)).toContain(rule))
})
