import { describe, expect, test, vi } from 'vitest'
import { type Patience, SharedCheck } from '../../../src/replica/shared-check.js'
import { settle, stateOf } from './gated-backend.js'

interface Sent {
  resolve(): void
  reject(error: Error): void
}

const UNLIMITED: Patience = { timeout: 5_000, limit: check => check }

/** A shared check; the test answers each time it is sent. */
function held(patience = UNLIMITED) {
  const sent: Sent[] = []
  const perform = () => new Promise<void>((resolve, reject) => void sent.push({ resolve, reject }))
  const check = new SharedCheck(perform, patience)
  return { check, sent, at: (index: number) => sent[index] as Sent }
}

describe('SharedCheck', () => {
  test('a thousand calls in one tick share one check', async () => {
    const perform = vi.fn(async () => {})
    const check = new SharedCheck(perform, UNLIMITED)
    await Promise.all(Array.from({ length: 1_000 }, () => check.join()))
    expect(perform).toHaveBeenCalledOnce()
  })

  test('a check is sent after all of its callers have joined, never before', async () => {
    const { check, sent, at } = held()
    const first = check.join()
    await settle()
    expect(sent).toHaveLength(1)
    const second = check.join()
    const third = check.join()
    await settle()
    // One at a time: calls that arrive during it wait for the next.
    expect(sent).toHaveLength(1)
    at(0).resolve()
    await first
    expect(await stateOf(second)).toBe('pending')
    expect(sent).toHaveLength(2)
    at(1).resolve()
    await Promise.all([second, third])
    expect(sent).toHaveLength(2)
  })

  test('a failing check rejects only for its own callers', async () => {
    const { check, sent, at } = held()
    const [first, shared] = [check.join(), check.join()]
    await settle()
    const next = check.join()
    at(0).reject(new Error('down'))
    await expect(first).rejects.toThrow('down')
    await expect(shared).rejects.toThrow('down')
    await settle()
    expect(sent).toHaveLength(2)
    at(1).resolve()
    await expect(next).resolves.toBeUndefined()
    const later = check.join()
    await settle()
    at(2).resolve()
    await expect(later).resolves.toBeUndefined()
  })

  test('a check that throws synchronously rejects in the same way', async () => {
    let fail = true
    const check = new SharedCheck(() => {
      if (fail) throw new Error('down')
    }, UNLIMITED)
    await expect(check.join()).rejects.toThrow('down')
    fail = false
    await expect(check.join()).resolves.toBeUndefined()
  })

  test('callers that wait behind a running check share a time limit with the others of their tick', async () => {
    const limited: Promise<void>[] = []
    const limit = (check: Promise<void>) => {
      limited.push(check)
      return Promise.race([check, Promise.reject(new Error(`limit ${limited.length}`))])
    }
    const { check } = held({ timeout: 1, limit })
    const first = check.join()
    await settle()
    expect(limited).toHaveLength(0)
    const before = performance.now()
    const [second, third] = [check.join(), check.join()]
    const together = performance.now() - before < 0.01
    await expect(second).rejects.toThrow('limit 1')
    if (together) await expect(third).rejects.toThrow('limit 1')
    else await third.catch(() => {})
    await new Promise(resolve => setTimeout(resolve, 2))
    const made = limited.length
    await expect(check.join()).rejects.toThrow(`limit ${made + 1}`)
    expect(await stateOf(first)).toBe('pending')
  })

  test('a loop of immediately answered checks lets the event loop run', async () => {
    const check = new SharedCheck(() => {}, UNLIMITED)
    let turns = 0
    const timer = setInterval(() => (turns += 1), 0)
    // Bounded: without its turn, the timer never fires, however long it takes.
    for (let n = 0; n < 100_000 && turns === 0; n += 1) await check.join()
    clearInterval(timer)
    expect(turns).toBeGreaterThan(0)
  })
})
