import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { CatchUp, Change } from '../../../src/contract/backend.js'
import type { Decode } from '../../../src/replica/entries.js'
import { History, type Observer, type SyncReason } from '../../../src/replica/history.js'
import type { Step } from '../../../src/replica/memory.js'

const decode: Decode = (_key, stored) => ({ value: stored, shareable: true })

interface Told {
  readonly steps: { step: Step; version: unknown; id: string | undefined }[]
  readonly syncs: { reason: SyncReason; version: unknown; previous: unknown }[]
}

function observer(): Observer & Told {
  const steps: Told['steps'] = []
  const syncs: Told['syncs'] = []
  return {
    steps,
    syncs,
    wantsSteps: true,
    stepped: (these, version, id) => {
      for (const step of these) steps.push({ step, version, id })
    },
    synced: (reason, version, previous) => void syncs.push({ reason, version, previous }),
  }
}

/** A history of `length` states: state `n` has the version `v<n>` and the one entry n → n (each change moves the entry). */
function chain(length: number): Change[] {
  return Array.from({ length }, (_, index) => ({
    previous: `v${index}`,
    version: `v${index + 1}`,
    id: `batch ${index + 1}`,
    effects: [
      { type: 'set', key: 'n', stored: String(index + 1) },
      { type: 'set', key: `k${index % 3}`, stored: String(index + 1) },
    ],
  }))
}

/** The entries of state `n` of {@link chain}. */
function stateAt(n: number): Map<string, string> {
  const entries = new Map([['n', '0']])
  for (const { effects } of chain(n))
    for (const effect of effects) if (effect.type === 'set') entries.set(effect.key, effect.stored)
  return entries
}

function changesBetween(from: number, to: number, changes: readonly Change[]): CatchUp {
  return { type: 'changes', version: `v${to}`, changes: changes.slice(from, to) }
}

const numberOf = (version: unknown) => Number(String(version).slice(1))

function open(at = 0) {
  const observed = observer()
  const history = new History({ version: `v${at}`, entries: stateAt(at) }, decode, observed)
  return { history, observed }
}

describe('History, with answers in any order', () => {
  const LENGTH = 40
  const changes = chain(LENGTH)
  // An answer: its base, how far the store was, and whether it came as changes, state or push.
  const answer = fc.record({
    kind: fc.constantFrom('changes', 'changes', 'state', 'tooOld', 'push'),
    /** How far memory was at the time of the check, as a share of its position when the answer arrives. */
    lag: fc.nat({ max: 6 }),
    ahead: fc.nat({ max: 5 }),
    twice: fc.boolean(),
  })

  test('memory advances only along the real history, and is always exactly one of its states', () => {
    fc.assert(
      fc.property(fc.array(answer, { maxLength: 60 }), answers => {
        const { history, observed } = open()
        const model = new Map<string, unknown>(stateAt(0))
        for (const { kind, lag, ahead, twice } of answers) {
          const at = numberOf(history.memory.version)
          const base = Math.max(at - lag, 0)
          const to = Math.min(base + ahead, LENGTH)
          for (let time = 0; time < (twice ? 2 : 1); time += 1) {
            if (kind === 'push') {
              const change = changes[Math.min(to, LENGTH - 1)] as Change
              const wasAt = numberOf(history.memory.version)
              const accepted = history.push(change)
              // False if a change between memory and this one is missing; true if this change is next.
              if (accepted) expect(numberOf(change.version)).toBeLessThanOrEqual(wasAt + 1)
              if (numberOf(change.version) === wasAt + 1) expect(accepted).toBe(true)
            } else if (kind === 'tooOld') {
              history.follow(`v${base}`, { type: 'tooOld', diverged: false })
            } else {
              const content: CatchUp =
                kind === 'changes'
                  ? changesBetween(base, to, changes)
                  : { type: 'state', diverged: false, version: `v${to}`, entries: stateAt(to) }
              const remainder = history.follow(`v${base}`, content)
              // "Nothing more to do" is a promise: memory is at the answered state or past it.
              if (remainder === 'none') expect(numberOf(history.memory.version)).toBeGreaterThanOrEqual(to)
            }
            const now = numberOf(history.memory.version)
            expect(now).toBeGreaterThanOrEqual(at)
            expect(history.memory.entries.stored).toEqual(stateAt(now))
          }
        }
        // A replay of the watchers' changes leads to the state of memory, and each `before` is right.
        for (const { step } of observed.steps) {
          expect(step.before?.stored).toBe(model.get(step.key))
          if (step.after) model.set(step.key, step.after.stored)
          else model.delete(step.key)
        }
        expect(model).toEqual(history.memory.entries.stored)
      }),
      { numRuns: 1_500 },
    )
  })

  test('answers from different histories are never mixed', () => {
    const { history } = open(5)
    const foreign: Change = { previous: 'x1', version: 'x2', effects: [{ type: 'set', key: 'n', stored: 'foreign' }] }
    expect(history.push(foreign)).toBe(false)
    expect(history.follow('v5', { type: 'changes', version: 'x2', changes: [foreign] })).toBe('load')
    expect(history.memory.entries.stored).toEqual(stateAt(5))
  })
})

describe('History, answer by answer', () => {
  const changes = chain(10)

  test('nothing changed', () => {
    const { history, observed } = open(3)
    expect(history.follow('v3', changesBetween(3, 3, changes))).toBe('none')
    expect(observed.syncs).toEqual([])
  })

  test('changes: each step is emitted with its version and batch, then one sync', () => {
    const { history, observed } = open(3)
    expect(history.follow('v3', changesBetween(3, 5, changes))).toBe('none')
    expect(observed.steps.map(({ version, id }) => [version, id])).toEqual([
      ['v4', 'batch 4'],
      ['v4', 'batch 4'],
      ['v5', 'batch 5'],
      ['v5', 'batch 5'],
    ])
    expect(observed.syncs).toEqual([{ reason: 'changes', version: 'v5', previous: 'v3' }])
  })

  test('a list with a gap is not applied, not even its beginning', () => {
    const { history } = open(3)
    const holed = [changes[3], changes[5]] as Change[]
    expect(history.follow('v3', { type: 'changes', version: 'v6', changes: holed })).toBe('load')
    expect(history.memory.version).toBe('v3')
  })

  test('a list that ends at another version than it claims is not applied', () => {
    const { history } = open(3)
    expect(history.follow('v3', { type: 'changes', version: 'v9', changes: changes.slice(3, 5) })).toBe('load')
    expect(history.memory.version).toBe('v3')
  })

  test('another version without any change causes a load', () => {
    const { history } = open(3)
    expect(history.follow('v3', { type: 'changes', version: 'v4', changes: [] })).toBe('load')
  })

  test('an answer that overlaps the present memory is applied from there', () => {
    const { history } = open(3)
    history.follow('v3', changesBetween(3, 5, changes))
    expect(history.follow('v3', changesBetween(3, 7, changes))).toBe('none')
    expect(history.memory.entries.stored).toEqual(stateAt(7))
  })

  test('an answer overtaken by one from another history is requested again', () => {
    const { history } = open(3)
    history.replace({ version: 'other', entries: [] }, 'diverged')
    expect(history.follow('v3', changesBetween(3, 5, changes))).toBe('again')
    expect(history.follow('v3', { type: 'state', diverged: false, version: 'v5', entries: stateAt(5) })).toBe('again')
    expect(history.follow('v3', { type: 'tooOld', diverged: false })).toBe('again')
    expect(history.memory.version).toBe('other')
  })

  test('too old, and diverged', () => {
    const { history } = open(3)
    expect(history.follow('v3', { type: 'tooOld', diverged: false })).toBe('load')
    expect(history.follow('v3', { type: 'tooOld', diverged: true })).toBe('loadDiverged')
  })

  test('a state instead of changes is applied, with the difference as steps', () => {
    const { history, observed } = open(3)
    const entries = new Map([
      ['n', '3'],
      ['k0', 'changed'],
      ['new', '1'],
    ])
    expect(history.follow('v3', { type: 'state', diverged: true, version: 'w', entries })).toBe('none')
    expect(observed.syncs).toEqual([{ reason: 'diverged', version: 'w', previous: 'v3' }])
    expect(observed.steps.map(({ step }) => [step.key, step.before?.stored, step.after?.stored]).sort()).toEqual([
      ['k0', '1', 'changed'],
      ['k1', '2', undefined],
      ['k2', '3', undefined],
      ['new', undefined, '1'],
    ])
  })

  test('the present state instead of no changes advances nothing and notifies no one', () => {
    const { history, observed } = open(3)
    const { entries } = history.memory
    const answer: CatchUp = { type: 'state', diverged: false, version: 'v3', entries: stateAt(3) }
    expect(history.follow('v3', answer)).toBe('none')
    expect(observed.syncs).toEqual([])
    expect(history.memory.entries).toBe(entries)
  })

  test('decoded values that are unchanged after a full load stay decoded', () => {
    let decodings = 0
    const observed = observer()
    const counting: Decode = (_key, stored) => {
      decodings += 1
      return { value: stored, shareable: true }
    }
    const history = new History(
      {
        version: 1,
        entries: [
          ['same', 'x'],
          ['other', 'y'],
        ],
      },
      counting,
      observed,
    )
    history.memory.entries.get('same')
    history.memory.entries.get('other')
    history.replace(
      {
        version: 2,
        entries: [
          ['same', 'x'],
          ['other', 'z'],
        ],
      },
      'loaded',
    )
    expect([history.memory.entries.get('same'), history.memory.entries.get('other')]).toEqual(['x', 'z'])
    expect(decodings).toBe(3)
  })
})
