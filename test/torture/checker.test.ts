import { describe, expect, it } from 'vitest'
import { check } from '../../torture/checker/check.js'
import { judge } from '../../torture/checker/registers.js'
import { shrink } from '../../torture/checker/shrink.js'
import type { Commit, History, Loss, Operation } from '../../torture/types.js'

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
const has = (result: boolean, begin: number, end: number) => operation('has', [begin, end], { result })
const doubt = { outcome: 'unknown', end: Number.POSITIVE_INFINITY } as const

const EMPTY: History = {
  operations: [],
  losses: [],
  seen: [],
  held: [],
  looks: [],
  syncs: [],
  locals: [],
  pairs: [],
  finals: [],
  opened: {},
  files: [],
  watched: [],
  recoveries: [],
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
    ['a clear, and nothing after it', [set('a', 0, 1), operation('clear', [2, 3]), read(undefined, 4, 5)]],
    ['a value that is there, and then is not', [set('a', 0, 1), has(true, 2, 3), pop('a', 4, 5), has(false, 6, 7)]],
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
    ['a value that is there before its write', [has(true, 0, 1), set('a', 2, 3)]],
    ['a value that is there after a clear', [set('a', 0, 1), operation('clear', [2, 3]), has(true, 4, 5)]],
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

  it('may begin with what others wrote before the first operation', () => {
    const loss: Loss = { kind: 'an entry by others', begin: 1, end: 2, entries: { k: 'a' }, keys: ['k'] }
    expect(answer([read('a', 3, 4)], [loss])).toBe('yes')
    expect(answer([read('b', 3, 4)], [loss])).toBe('no')
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

  const look = (version: string, state: string) => ({
    session: 't',
    begin: 3,
    end: 4,
    replicas: [{ session, version, state }],
  })

  it('passes if nothing happened', () => expect(rulesOf({})).toEqual([]))

  it('passes if replicas() says what was true, or less', () => {
    const held = [
      { session: 't', at: 1, version: '2-x' },
      { session, at: 5, version: '3-x' },
    ]
    expect(rulesOf({ looks: [look('2-x', 'current'), look('1-x', 'behind')], held })).toEqual([])
    const losses: Loss[] = [{ kind: 'FLUSHALL', begin: 1, end: 2, entries: {} }]
    expect(rulesOf({ looks: [look('9-x', 'behind')], held: [{ session, at: 5, version: '1-y' }], losses })).toEqual([])
    // The record of an attempt to open that failed late; the next one opened from a file.
    expect(rulesOf({ looks: [look('2-x', 'behind')], held: [{ session, at: 5, version: 'last-known 1-2' }] })).toEqual(
      [],
    )
  })

  it('excuses a write everywhere that follows a loss only if its writer did not know the bounds from before it', () => {
    const operations = [set('a', 0, 1), set('b', 4, 5, { everywhere: true }), read('a', 6, 6, { bound: 5 })]
    const losses: Loss[] = [{ kind: 'restart', begin: 2, end: 3, entries: { k: 'a' } }]
    expect(rulesOf({ operations, losses, opened: { s: 3 } })).toEqual([])
    expect(rulesOf({ operations, losses, opened: { s: 0 } })).toEqual([
      'no read older than a write that was everywhere',
    ])
  })

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
      'a session reads its own writes',
      {
        operations: [set('1|s', 0, 1, { key: 'mono:s' })],
        locals: [{ session, begin: 2, at: 3, key: 'mono:s', value: undefined }],
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
        held: [{ session, at, version: '5-x' }],
        losses: [{ kind: 'FLUSHALL', begin: 2, end: 3, entries: {}, survived: 0 }],
        finals: [{ session, version: '1-y', entries: {} }],
      },
    ],
    [
      'what replicas() says is never better than the truth',
      { looks: [look('2-x', 'behind')], held: [{ session, at: 5, version: '1-x' }] },
    ],
    [
      'what replicas() says is never better than the truth',
      { looks: [look('1-x', 'current')], held: [{ session: 't', at: 1, version: '2-x' }] },
    ],
    ['a last known file holds a state that existed', { files: [{ name: 'f', entries: { a: 'invented' } }] }],
    [
      'a last known file holds a state that existed',
      { files: [{ name: 'f', entries: { 'pair:1:left': 'x' } }], operations: [set('x', 0, 1)] },
    ],
    [
      'a last known file holds a state that existed',
      {
        files: [{ name: 'f', entries: { a: 'x' } }],
        operations: [set('x', 0, 1)],
        recorded: {
          complete: true,
          commits: [{ id: '1', by: '1', via: 'library', changes: [{ key: 'b', after: 'x' }] }],
        },
      },
    ],
    ['watch() yields every change once, in order', { watched: ['twice'] }],
    ['every session recovers in time', { recoveries: [{ kind: 'a fault', ms: 11, bound: 10 }] }],
    ['no crash, no stray error', { faults: ['it crashed'] }],
  ])('is found to violate: %s', (rule, history) => expect(rulesOf(history)).toContain(rule))
})

describe('a divergence', () => {
  const loss = (begin: number, survived: number): Loss => ({ kind: 'loss', begin, end: begin, entries: {}, survived })
  /** Of a session that holds these versions at 1, 2, …: what is wrong if it reports this after two losses. */
  const rulesAfter = (versions: string[], syncs: [at: number, reason: 'loaded' | 'diverged'][]) =>
    rulesOf({
      losses: [loss(1.5, 0), loss(3.5, 2)],
      held: versions.map((version, index) => ({ session: 's', at: index + 1, version })),
      syncs: syncs.map(([at, reason]) => ({ session: 's', at, reason })),
      opened: { s: 0 },
      finals: [{ session: 's', version: '2-z', entries: {} }],
    })

  it('is reported once for each loss of what memory had', () => {
    expect(rulesAfter(['9-x', '1-y', '3-y'], [[1.6, 'diverged']])).toEqual(['divergence is reported'])
    expect(rulesAfter(['9-x', '1-y', '3-y'], [[3.6, 'diverged']])).toEqual([])
    expect(
      rulesAfter(
        ['9-x', '1-y', '3-y'],
        [
          [1.6, 'diverged'],
          [3.6, 'diverged'],
        ],
      ),
    ).toEqual([])
  })

  it('need not be reported again if a later loss has kept what memory had since', () => {
    expect(rulesAfter(['9-x', '1-y'], [[1.6, 'diverged']])).toEqual([])
    // Nobody saw what it had since.
    expect(rulesAfter(['9-x'], [[1.6, 'diverged']])).toEqual([])
    // It did not follow the store yet.
    expect(rulesAfter(['last-known 9-x', '3-y'], [[3.6, 'diverged']])).toEqual([])
  })

  it('is not a full load if the store lost everything', () => {
    expect(rulesAfter(['9-x', '1-y'], [[1.6, 'loaded']])).toEqual(['divergence is reported'])
    expect(
      rulesAfter(
        ['9-x', '1-y', '3-y'],
        [
          [1.6, 'diverged'],
          [3.6, 'loaded'],
        ],
      ),
    ).toEqual([])
  })
})

describe('reads in order', () => {
  const [first, second] = [set('1|s', 0, 1, { key: 'mono:s' }), set('2|s', 2, 5, { key: 'mono:s' })]
  const seen = (value: string | undefined, begin: number, at: number) => ({
    session: 's',
    begin,
    at,
    key: 'mono:s',
    value,
  })
  const rules = (...locals: History['locals']) => rulesOf({ operations: [first, second], locals })

  it('may see either side of a write or a read that overlaps them', () => {
    expect(rules(seen('1|s', 3, 4), seen('2|s', 6, 7))).toEqual([])
    expect(rules(seen('2|s', 3, 6), seen('1|s', 4, 7))).toEqual([])
  })

  it('may see a write in doubt that took effect after a later one, but no acknowledged one', () => {
    const key = 'mono:s'
    const later = set('2|s', 2, 3, { key })
    const locals = [{ session: 's', begin: 4, at: 5, key, value: '1|s' }]
    expect(rulesOf({ operations: [set('1|s', 0, 1, { key, ...doubt }), later], locals })).toEqual([])
    expect(rulesOf({ operations: [set('1|s', 0, 1, { key }), later], locals })).toEqual([
      'a session reads its own writes',
    ])
  })

  it('see what was written, or read, before they began', () => {
    expect(rules(seen('1|s', 6, 7))).toEqual(['a session reads its own writes'])
    expect(rules(seen('2|s', 2, 3), seen('1|s', 3.5, 7))).toEqual(['reads of memory are monotonic'])
  })
})

describe('the recorded history', () => {
  const pair = (value: string, begin: number, end: number, rest?: Partial<Operation>): Operation[] =>
    ['k', 'other'].map(key => operation('update', [begin, end], { ...rest, id: `pair ${value}`, key, value }))
  const commit = (
    by: string | undefined,
    ...changes: [before?: string | undefined, after?: string | undefined, key?: string][]
  ): Commit => {
    count += 1
    const sides = changes.map(([before, after, key = 'k']) => ({ key, before, after }))
    return { id: `commit ${count}`, by, via: 'library', changes: sides }
  }
  const textsOf = (operations: Operation[], commits: Commit[], rest: Partial<History> = {}) =>
    check({ ...EMPTY, operations, recorded: { complete: true, commits }, ...rest })
      .violations.filter(({ rule }) => rule === 'history equals the acknowledged writes')
      .map(({ text }) => text)

  const [a, b] = [set('a', 0, 1), set('b', 2, 3)]
  const nothing: Operation[] = [
    operation('delete', [4, 5], { result: false }),
    pop(undefined, 6, 7),
    operation('setDefault', [8, 9], { value: 'c', result: 'b' }),
    set('d', 10, 11, { outcome: 'none' }),
  ]
  const effective: [Operation, Commit['changes'][number]][] = [
    [operation('delete', [4, 5], { result: true }), { key: 'k', before: 'b' }],
    [pop('b', 4, 5), { key: 'k', before: 'b' }],
    [operation('transact', [4, 5], { expected: 'b', value: 'c' }), { key: 'k', before: 'b', after: 'c' }],
  ]
  const both = (...more: Commit[]) => [commit(a.id, [undefined, 'a']), commit(b.id, ['a', 'b']), ...more]

  it('equals the writes that had an effect', () => {
    expect(textsOf([a, b, ...nothing], both())).toEqual([])
    for (const [one, change] of effective) {
      const last = { ...commit(one.id), changes: [change] }
      expect(textsOf([a, b, one], both(last))).toEqual([])
      expect(textsOf([a, b, one], both())).toEqual([`The commit of ${one.id} is missing.`])
    }
    const update = pair('c', 4, 5)
    expect(textsOf([a, b, ...update], both(commit('pair c', ['b', 'c'], [undefined, 'c', 'other'])))).toEqual([])
  })

  it('may contain a write in doubt once', () => {
    const unsure = set('c', 4, 5, doubt)
    const recorded = () => commit(unsure.id, ['b', 'c'])
    expect(textsOf([a, b, unsure], both())).toEqual([])
    expect(textsOf([a, b, unsure], both(recorded()))).toEqual([])
    expect(textsOf([a, b, unsure], both(recorded(), commit(unsure.id, ['c', 'c'])))).not.toEqual([])
  })

  it('begins again when the store loses its data', () => {
    const loss: Loss = { kind: 'FLUSHALL', begin: 1.5, end: 2, entries: {} }
    const late = [commit(b.id, [undefined, 'b'])]
    expect(textsOf([a, b], late, { losses: [loss] })).toEqual([])
    // It struck while a write was in progress.
    expect(textsOf([a, b], [], { losses: [{ ...loss, begin: 2.5, end: 4 }] })).toEqual([])
    expect(textsOf([a, b], [], { losses: [loss] })).toHaveLength(1)
  })

  it('continues when an external writer removes an entry', () => {
    const loss: Loss = { kind: 'HDEL', begin: 1.2, end: 1.4, entries: {}, keys: ['k'] }
    const after = [commit(a.id, [undefined, 'a']), commit(b.id, [undefined, 'b'])]
    expect(textsOf([a, b], after, { losses: [loss] })).toEqual([])
    expect(textsOf([a, b], after)).toHaveLength(1)
    const found = { ...commit(undefined, ['a', undefined]), via: 'outside' }
    const withFound = [commit(a.id, [undefined, 'a']), found, commit(b.id, [undefined, 'b'])]
    expect(textsOf([a, b], withFound, { losses: [loss] })).toEqual([])
    expect(textsOf([a, b], withFound)).toHaveLength(1)
  })

  it('may not begin after a change by others', () => {
    const loss: Loss = {
      kind: 'a znode deleted by others',
      begin: 1.2,
      end: 1.4,
      entries: {},
      keys: ['x'],
      renumbers: true,
    }
    const recorded = { complete: false, commits: [commit(b.id, ['a', 'b'])] }
    expect(rulesOf({ operations: [a, b], losses: [loss], recorded })).toHaveLength(1)
  })

  it('is not judged if the store keeps none', () => {
    expect(rulesOf({ operations: [a, b] })).toEqual([])
  })

  it.each<[string, () => string[]]>([
    ['lacks a write', () => textsOf([a, b], [commit(b.id, [undefined, 'b'])])],
    ['has a write twice', () => textsOf([a, b], [...both(), commit(b.id, ['b', 'b'])])],
    ['has a rejected write', () => textsOf([a, b, ...nothing], both(commit(nothing[3]?.id, ['b', 'd'])))],
    ['has a write without effect', () => textsOf([a, b, ...nothing], both(commit(nothing[0]?.id, ['b', undefined])))],
    ['has a write that nobody issued', () => textsOf([a, b], both(commit('someone', ['b', 'c'])))],
    ['has a commit without an author', () => textsOf([a], [commit(undefined, [undefined, 'a'])])],
    ['has the wrong author', () => textsOf([a, b], [commit(b.id, [undefined, 'a']), commit(a.id, ['a', 'b'])])],
    ['has the wrong value', () => textsOf([a, b], [commit(a.id, [undefined, 'a']), commit(b.id, ['a', 'c'])])],
    ['has the wrong key', () => textsOf([a], [commit(a.id, [undefined, 'a', 'other'])])],
    ['has half an update', () => textsOf(pair('a', 0, 1), [commit('pair a', [undefined, 'a'])])],
    ['has what was not there before', () => textsOf([a, b], [commit(a.id, ['z', 'a']), commit(b.id, ['a', 'b'])])],
    [
      'has writes in the wrong order',
      () => textsOf([a, b], [commit(b.id, ['a', 'b']), commit(a.id, [undefined, 'a'])]),
    ],
    ['has another way than the library', () => textsOf([a], [{ ...commit(a.id, [undefined, 'a']), via: 'cli' }])],
    [
      'leads elsewhere than to the store',
      () => textsOf([a], [commit(a.id, [undefined, 'a'])], { store: { at: 9, entries: { k: 'b' } } }),
    ],
    ['lacks the commit of what is stored', () => textsOf([], [], { store: { at: 9, entries: { k: 'b' } } })],
  ])('is found wrong if it %s', (_name, texts) => expect(texts()).not.toEqual([]))
})
