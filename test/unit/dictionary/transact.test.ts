import { describe, expect, test } from 'vitest'
import {
  ConflictError,
  DurableDict,
  EncodingError,
  KeyError,
  MemoryDict,
  MemoryStore,
  UnsupportedError,
} from '../../../src/index.js'
import { Lane } from '../../../src/queues/lane.js'
import { settle } from '../replica/gated-backend.js'

type Counters = Record<string, number>

async function pair() {
  const store = new MemoryStore()
  return [await MemoryDict.open<Counters>(store), await MemoryDict.open<Counters>(store)] as const
}

describe('transact', () => {
  test('no increment is lost among many concurrent ones through several dictionaries', async () => {
    const dicts = await pair()
    const runs = Array.from({ length: 100 }, (_, index) =>
      dicts[index % 2 === 0 ? 0 : 1].transact(async tx => {
        const n = tx.get('n') ?? 0
        await null
        tx.set('n', n + 1)
        return n
      }),
    )
    const seen = await Promise.all(runs)
    expect(new Set(seen).size).toBe(100)
    expect(await dicts[0].get('n')).toBe(100)
  })

  test('retries: 0 tries once and reports so, and each further retry tries once more', async () => {
    const [dict, other] = await pair()
    for (const retries of [0, 1, 3]) {
      let runs = 0
      const call = dict.transact(
        async tx => {
          runs += 1
          tx.get('n')
          await other.set('n', runs)
          tx.set('n', -1)
        },
        { retries },
      )
      await expect(call).rejects.toThrow(ConflictError)
      await expect(call).rejects.toThrow(`${retries + 1} attempts`)
      expect(runs).toBe(retries + 1)
      expect(await dict.get('n')).toBe(runs)
    }
  })

  test('writes to keys that it neither reads nor writes are not a conflict', async () => {
    const [dict, other] = await pair()
    let runs = 0
    await dict.transact(async tx => {
      runs += 1
      tx.get('mine')
      await other.set('theirs', 1)
      tx.set('mine', 1)
    })
    expect(runs).toBe(1)
    expect(await dict.size()).toBe(2)
  })

  test('a key that was changed and changed back is a conflict', async () => {
    const [dict, other] = await pair()
    await dict.set('n', 1)
    let runs = 0
    await dict.transact(async tx => {
      runs += 1
      tx.get('n')
      if (runs === 1) {
        await other.set('n', 2)
        await other.set('n', 1)
      }
      tx.set('n', 3)
    })
    expect(runs).toBe(2)
  })

  test('a key that was missing and appeared is a conflict', async () => {
    const [dict, other] = await pair()
    const runs: boolean[] = []
    await dict.transact(async tx => {
      runs.push(tx.has('n'))
      if (runs.length === 1) await other.set('n', 2)
      tx.set('seen', 1)
    })
    expect(runs).toEqual([false, true])
  })

  test('every change conflicts with a transaction that read all keys', async () => {
    const [dict, other] = await pair()
    let runs = 0
    await dict.transact(async tx => {
      runs += 1
      tx.keys()
      if (runs === 1) await other.set('new', 2)
      tx.set('n', 1)
    })
    expect(runs).toBe(2)
  })

  test('rejects with the very error that its function throws, and nothing is written', async () => {
    const [dict] = await pair()
    const reason = { not: 'an error' }
    const call = dict.transact(tx => {
      tx.set('a', 1)
      throw reason
    })
    await expect(call).rejects.toBe(reason)
    expect(await dict.size()).toBe(0)
  })

  test('a value that cannot be encoded throws from the call that sets it', async () => {
    const dict = await MemoryDict.open()
    await dict.transact(tx => {
      tx.set('a', 1)
      expect(() => tx.update({ b: 2, c: () => {} })).toThrow(EncodingError)
      expect(() => tx.set('d', undefined)).toThrow(TypeError)
      expect(tx.keys()).toEqual(['a'])
    })
    expect(await dict.keys()).toEqual(['a'])
  })

  test('sees its own writes, defaults and fallbacks', async () => {
    const dict = await MemoryDict.open<Counters>(undefined, { defaults: { d: 7 } })
    await dict.set('old', 1)
    await dict.transact(tx => {
      expect([tx.get('d'), tx.has('d'), tx.get('missing')]).toEqual([7, false, undefined])
      expect(tx.pop('old')).toBe(1)
      expect(() => tx.pop('old')).toThrow(KeyError)
      expect(() => tx.getOrThrow('old')).toThrow(KeyError)
      expect(tx.pop('old', undefined)).toBeUndefined()
      expect(tx.setDefault('old', 2)).toBe(2)
      tx.clear()
      tx.set('new', 3)
      expect(new Map(tx)).toEqual(new Map([['new', 3]]))
      expect(tx.size()).toBe(1)
    })
    expect(new Map(await dict.entries())).toEqual(new Map([['new', 3]]))
  })

  test('throws when used after its function has ended', async () => {
    const dict = await MemoryDict.open<Counters>(undefined)
    let escaped: { set(key: string, value: number): void; get(key: string): unknown } | undefined
    await dict.transact(tx => {
      escaped = tx
    })
    expect(() => escaped?.set('a', 1)).toThrow(/after its function ended/)
    expect(() => escaped?.get('a')).toThrow(TypeError)
  })

  test('nested and in conflict with itself, it does not deadlock', async () => {
    const [dict] = await pair()
    await dict.transact(async outer => {
      outer.get('n')
      await dict.transact(inner => inner.set('n', (inner.get('n') ?? 0) + 1), { retries: 0 }).catch(() => {})
    })
    expect(await dict.get('n')).toBe(1)
  })

  test('a read-only function changes nothing, not even the version', async () => {
    const [dict] = await pair()
    const { version } = dict
    await dict.transact(tx => void [tx.get('a'), tx.delete('a'), tx.keys()])
    expect(dict.version).toBe(version)
  })

  test('rejects with UnsupportedError on a backend without commit()', async () => {
    const four = { persist() {}, depersist: () => false, durables: () => [], lastUpdated: () => 0 }
    const dict = await DurableDict.open(four)
    await expect(dict.transact(() => {})).rejects.toThrow(UnsupportedError)
    await expect(dict.reencode()).rejects.toThrow(UnsupportedError)
  })
})

describe('Lane', () => {
  const open = new AbortController().signal

  test('admits one at a time, in order', async () => {
    const lane = new Lane()
    const order: number[] = []
    const leave = await lane.enter(10_000, open)
    const waiting = [1, 2].map(async n => {
      const leave = await lane.enter(10_000, open)
      order.push(n)
      return leave
    })
    await settle()
    expect(order).toEqual([])
    leave()
    ;(await (waiting[0] as Promise<() => void>))()
    ;(await (waiting[1] as Promise<() => void>))()
    expect(order).toEqual([1, 2])
  })

  test('rejects a caller when its time limit expires', async () => {
    const lane = new Lane()
    await lane.enter(10_000, open)
    await lane.enter(1, open)
  })

  test('rejects all waiting callers when the dictionary is closed', async () => {
    const lane = new Lane()
    const closing = new AbortController()
    await lane.enter(10_000, closing.signal)
    const waiting = lane.enter(2 ** 31 - 1, closing.signal)
    closing.abort()
    await waiting
  })
})

describe('A key that a transaction writes several times', () => {
  const changesOf = async (
    fn: (tx: { set(key: string, value: unknown): void; delete(key: string): boolean; clear(): void }) => void,
  ) => {
    const dict = await MemoryDict.open()
    await dict.update({ kept: 1, old: 1 })
    const changes: unknown[] = []
    dict.on('change', ({ key, value, previous }) => changes.push([key, previous, value]))
    await dict.transact(tx => fn(tx))
    const [commit] = await dict.history({ limit: 1 }).toArray()
    await dict.close()
    return { changes, recorded: commit?.changes.map(({ key, before, after }) => [key, before, after]) }
  }

  test('changes once, from the state before to the state after', async () => {
    const wanted = [['kept', 1, 3]]
    const { changes, recorded } = await changesOf(tx => {
      tx.set('kept', 2)
      tx.delete('kept')
      tx.set('kept', 3)
    })
    expect(changes).toEqual(wanted)
    expect(recorded).toEqual(wanted)
  })

  test('is never absent for watchers if clear() comes first', async () => {
    const { changes, recorded } = await changesOf(tx => {
      tx.clear()
      tx.set('kept', 2)
    })
    const wanted = [
      ['old', 1, undefined],
      ['kept', 1, 2],
    ]
    expect(changes).toEqual(wanted)
    expect(recorded).toEqual(wanted)
  })

  test('changes nothing if it is removed again', async () => {
    const { changes, recorded } = await changesOf(tx => {
      tx.set('new', 2)
      tx.delete('new')
    })
    expect(changes).toEqual([])
    expect(recorded?.map(([key]) => key)).toEqual(['kept', 'old'])
  })
})
