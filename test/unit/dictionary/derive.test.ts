import { describe, expect, test, vi } from 'vitest'
import { requestApiOf } from '../../../src/dictionary/request-api.js'
import { RequestScope } from '../../../src/dictionary/request-scope.js'
import { type DurableDict, InvalidKeyError, MemoryDict, MemoryStore, type Snapshot } from '../../../src/index.js'

interface Settings {
  rate: number
  theme: string
}

const defaults = { rate: 1, theme: 'light' }
const open = (store?: MemoryStore) => MemoryDict.open<Settings>(store, { defaults })

/** Runs it in a request that has this snapshot. */
function inRequest<R>(dict: DurableDict<Settings>, snapshot: Snapshot<Settings>, work: () => R): R {
  const place = { request: {}, response: undefined, outer: undefined }
  return new RequestScope(place, [requestApiOf(dict)?.identity as object], [snapshot as unknown as Snapshot], {}).run(
    work,
  )
}

describe('derive()', () => {
  test('computes nothing before it is read', async () => {
    const compute = vi.fn()
    ;(await open()).derive(compute)
    expect(compute).not.toHaveBeenCalled()
  })

  test('computes once for each state', async () => {
    const dict = await open()
    const compute = vi.fn((state: Snapshot<Settings, 'rate'>) => ({ double: state.get('rate') * 2 }))
    const derived = dict.derive(compute)
    const first = derived.current
    expect(first).toEqual({ double: 2 })
    expect(derived.current).toBe(first)
    await dict.set('rate', 5)
    expect(compute).toHaveBeenCalledTimes(1)
    expect(derived.current).toEqual({ double: 10 })
    expect(derived.current).toEqual({ double: 10 })
    expect(compute).toHaveBeenCalledTimes(2)
  })

  test('caches undefined, too', async () => {
    const compute = vi.fn(() => undefined)
    const derived = (await open()).derive(compute)
    expect([derived.current, derived.current]).toEqual([undefined, undefined])
    expect(compute).toHaveBeenCalledTimes(1)
  })

  test('with keys, computes again only when one of them has changed', async () => {
    const store = new MemoryStore()
    const [dict, other] = [await open(store), await open(store)]
    const compute = vi.fn((state: Snapshot<Pick<Settings, 'rate'>, 'rate'>) => ({ rate: state.get('rate') }))
    const derived = dict.derive(compute, { keys: ['rate'] })
    const first = derived.current
    await other.set('theme', 'dark')
    await dict.sync()
    expect(derived.current).toBe(first)
    await other.update({ rate: 2, theme: 'blue' })
    await dict.sync()
    const second = derived.current
    expect(second).toEqual({ rate: 2 })
    await dict.set('rate', 2)
    expect(derived.current).toBe(second)
    await dict.delete('rate')
    expect(derived.current).toEqual({ rate: 1 })
    await dict.clear()
    expect(derived.current).toEqual({ rate: 1 })
    expect(compute).toHaveBeenCalledTimes(3)
  })

  test('sees one whole state with toObject()', async () => {
    const dict = await open()
    const derived = dict.derive(state => state.toObject())
    await dict.update({ rate: 3, theme: 'dark' })
    expect(derived.current).toEqual({ rate: 3, theme: 'dark' })
    expect(derived.current).toBe(dict.local.toObject())
  })

  test('throws what the function throws, computing once for each state, and keeps the last good value', async () => {
    const dict = await open()
    const compute = vi.fn((state: Snapshot<Settings, 'rate'>) => {
      const rate = state.get('rate')
      if (rate < 0) throw new RangeError('rate')
      return rate
    })
    const derived = dict.derive(compute)
    expect(derived.lastGood).toBeUndefined()
    expect(derived.current).toBe(1)
    await dict.set('rate', -1)
    for (let reads = 0; reads < 3; reads += 1) expect(() => derived.current).toThrow(RangeError)
    expect(derived.lastGood).toBe(1)
    expect(compute).toHaveBeenCalledTimes(2)
    await dict.set('rate', 4)
    expect([derived.current, derived.lastGood]).toEqual([4, 4])
  })

  test('with keys, throws again without computing when another key has changed', async () => {
    const dict = await open()
    const compute = vi.fn(() => {
      throw new RangeError('always')
    })
    const derived = dict.derive(compute, { keys: ['rate'] })
    expect(() => derived.current).toThrow(RangeError)
    await dict.set('theme', 'dark')
    expect(() => derived.current).toThrow(RangeError)
    expect(compute).toHaveBeenCalledTimes(1)
    await dict.set('rate', 2)
    expect(() => derived.current).toThrow(RangeError)
    expect(compute).toHaveBeenCalledTimes(2)
  })

  test("computes for the request's snapshot inside a request, once for each state in turn with others", async () => {
    const dict = await open()
    const compute = vi.fn((state: Snapshot<Settings, 'rate'>) => ({ rate: state.get('rate') }))
    const derived = dict.derive(compute)
    const old = dict.current()
    const before = derived.current
    await dict.set('rate', 2)
    const after = derived.current
    for (let reads = 0; reads < 3; reads += 1) {
      expect(inRequest(dict, old, () => derived.current)).toBe(before)
      expect(derived.current).toBe(after)
    }
    expect([before.rate, after.rate]).toEqual([1, 2])
    expect(compute).toHaveBeenCalledTimes(2)
  })

  test("computes an older request's value once if it was not read before", async () => {
    const dict = await open()
    const compute = vi.fn((state: Snapshot<Pick<Settings, 'rate'>, 'rate'>) => state.get('rate'))
    const derived = dict.derive(compute, { keys: ['rate'] })
    const old = dict.current()
    await dict.set('rate', 2)
    expect(derived.current).toBe(2)
    for (let reads = 0; reads < 3; reads += 1) expect(inRequest(dict, old, () => derived.current)).toBe(1)
    expect(derived.current).toBe(2)
    expect(compute).toHaveBeenCalledTimes(2)
  })

  test('keeps serving after close', async () => {
    const dict = await open()
    const derived = dict.derive(state => state.get('rate'))
    await dict.close()
    expect(derived.current).toBe(1)
  })

  test('rejects values that are not functions, unknown options, and invalid keys', async () => {
    const dict = await open()
    expect(() => dict.derive('rate' as never)).toThrow(TypeError)
    expect(() => dict.derive(() => 1, { key: 'rate' } as never)).toThrow(TypeError)
    expect(() => dict.derive(() => 1, { keys: 'rate' as never })).toThrow(TypeError)
    expect(() => dict.derive(() => 1, { keys: ['' as never] })).toThrow(InvalidKeyError)
    expect(dict.derive(() => 1, { keys: undefined }).current).toBe(1)
  })
})
