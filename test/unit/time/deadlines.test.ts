import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { Deadlines } from '../../../src/time/deadlines.js'

vi.mock('../../../src/time/clock.js', () => import('../replica/global-clock.js'))

beforeEach(() => {
  vi.useFakeTimers()
})

afterEach(() => {
  vi.useRealTimers()
})

const late = () => new Error('late')

describe('Deadlines', () => {
  test('an answer in time, synchronous or by a promise, leaves no timer behind', async () => {
    const deadlines = new Deadlines()
    expect(await deadlines.bound(() => 1, 100, late)).toBe(1)
    expect(await deadlines.bound(async () => 2, 100, late)).toBe(2)
    expect(vi.getTimerCount()).toBe(0)
  })

  test('an error that start throws or rejects with leaves no timer behind', async () => {
    const deadlines = new Deadlines()
    const thrown = deadlines.bound(
      () => {
        throw new Error('at once')
      },
      100,
      late,
    )
    await expect(thrown).rejects.toThrow('at once')
    await expect(deadlines.bound(async () => Promise.reject(new Error('later')), 100, late)).rejects.toThrow('later')
    expect(vi.getTimerCount()).toBe(0)
  })

  test('a missing answer times out, and a later answer is dropped', async () => {
    const deadlines = new Deadlines()
    let fail: (error: Error) => void = () => {}
    const answer = deadlines.bound(() => new Promise((_resolve, reject) => (fail = reject)), 100, late)
    vi.advanceTimersByTime(99)
    const outcome = expect(answer).rejects.toThrow('late')
    vi.advanceTimersByTime(1)
    await outcome
    // A rejection that no one handles would fail the run.
    fail(new Error('much too late'))
    await Promise.resolve()
  })

  test('progress restarts the timer, but not after the end', async () => {
    const deadlines = new Deadlines()
    let progress = () => {}
    const ended = vi.fn()
    const answer = deadlines.bound(
      step => {
        progress = step
        return new Promise(() => {})
      },
      100,
      late,
    )
    answer.catch(ended)
    for (let step = 0; step < 5; step += 1) {
      await vi.advanceTimersByTimeAsync(99)
      progress()
    }
    expect(ended).not.toHaveBeenCalled()
    await vi.advanceTimersByTimeAsync(100)
    expect(ended).toHaveBeenCalledOnce()
    // The caller that reports progress must stop.
    expect(progress).toThrow(/cancelled/)
    expect(vi.getTimerCount()).toBe(0)
  })

  test('endAll ends every wait with its reason, and each later one before it starts', async () => {
    const deadlines = new Deadlines()
    const reason = new Error('closed')
    const waits = [1, 2].map(() => deadlines.bound(() => new Promise(() => {}), 100, late))
    const outcomes = Promise.allSettled(waits)
    deadlines.endAll(reason)
    expect((await outcomes).map(outcome => (outcome as PromiseRejectedResult).reason)).toEqual([reason, reason])
    const start = vi.fn()
    await expect(deadlines.bound(start, 100, late)).rejects.toBe(reason)
    expect(start).not.toHaveBeenCalled()
    expect(() => deadlines.throwIfEnded()).toThrow(reason)
    expect(vi.getTimerCount()).toBe(0)
  })
})
