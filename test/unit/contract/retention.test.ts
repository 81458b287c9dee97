import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type IndexedCommit, retain } from '../../../src/contract/retention.js'

const NOW = 1_000 * 86_400_000
const commits = (keys: readonly (string | undefined)[], at = NOW): IndexedCommit[] =>
  keys.map((key, index) => ({ position: index + 1, at, key }))
const limits = { keep: 4, days: 90 }
const kept = (index: readonly IndexedCommit[], positions: readonly number[]) =>
  index.filter(({ position }) => !positions.includes(position))

describe('what is dropped', () => {
  test('is nothing while there are few enough', () => {
    const { positions, floor, dropped } = retain(commits(['a', 'a', 'b', 'c']), limits, NOW, 0)
    expect([positions, floor, dropped.size]).toEqual([[], 0, 0])
  })

  test('is the oldest commit of the key with the most of them', () => {
    const index = commits(['rare', 'hot', 'hot', 'hot', 'hot', 'hot'])
    const { positions, floor, dropped } = retain(index, limits, NOW, 0)
    expect(positions).toEqual([2, 3])
    expect(floor).toBe(0)
    expect([...dropped]).toEqual([['hot', 3]])
  })

  test('is the oldest commit when no key has more than one of its own', () => {
    const { positions, floor, dropped } = retain(commits(['a', undefined, 'b', 'c', 'd', 'e']), limits, NOW, 0)
    expect([positions, floor, dropped.size]).toEqual([[1, 2], 2, 0])
  })

  test('is everything that is too old, whatever its key', () => {
    const old = commits(['a', 'b'], NOW - 91 * 86_400_000)
    const index = [...old, { position: 3, at: NOW, key: 'a' }]
    expect(retain(index, limits, NOW, 0)).toMatchObject({ positions: [1, 2], floor: 2 })
  })

  test('is not what follows a young commit, when the clock has jumped back', () => {
    const index = [
      { position: 1, at: NOW, key: 'a' },
      { position: 2, at: NOW - 91 * 86_400_000, key: 'b' },
    ]
    expect(retain(index, limits, NOW, 0).positions).toEqual([])
  })
})

test('the floor and the dropped keys account for every commit that is gone', () => {
  const key = fc.option(fc.constantFrom('a', 'b', 'c', 'd'), { nil: undefined })
  const property = fc.property(fc.array(key), fc.integer({ min: 1, max: 20 }), (keys, keep) => {
    const index = commits(keys)
    const { positions, floor, dropped } = retain(index, { keep, days: 1 }, NOW, 0)
    const left = kept(index, positions)
    expect(left.length).toBe(Math.min(keys.length, keep))
    for (const { position, key: only } of index) {
      if (!positions.includes(position)) expect(position).toBeGreaterThan(floor)
      else if (position > floor) expect(dropped.get(only as string)).toBeGreaterThanOrEqual(position)
    }
  })
  fc.assert(property)
})

/** The rule as it is worded: one commit after the other. */
function oneByOne(index: readonly IndexedCommit[], keep: number): number[] {
  const left = [...index]
  const gone: number[] = []
  const ofKey = (key: string | undefined) => left.filter(commit => key !== undefined && commit.key === key).length
  while (left.length > keep) {
    const longest = Math.max(...left.map(({ key }) => ofKey(key)))
    const next = longest > 1 ? left.findIndex(({ key }) => ofKey(key) === longest) : 0
    gone.push((left.splice(next, 1)[0] as IndexedCommit).position)
  }
  return gone.sort((one, other) => one - other)
}

test('what is dropped together is what the rule drops one by one', () => {
  const key = fc.option(fc.constantFrom('a', 'b', 'c', 'd', 'e'), { nil: undefined })
  const property = fc.property(fc.array(key, { size: 'medium' }), fc.integer({ min: 1, max: 20 }), (keys, keep) => {
    const index = commits(keys)
    const { positions } = retain(index, { keep, days: 1 }, NOW, 0)
    expect([...positions].sort((one, other) => one - other)).toEqual(oneByOne(index, keep))
  })
  fc.assert(property)
})

test('dropping an eighth of 100,000 commits of 40,000 keys is quick', () => {
  const index = commits(Array.from({ length: 112_500 }, (_, at) => `key ${at % 40_000}`))
  const startedAt = performance.now()
  expect(retain(index, { keep: 100_000, days: 90 }, NOW, 0).positions).toHaveLength(12_500)
  expect(performance.now() - startedAt).toBeLessThan(2_000)
})
