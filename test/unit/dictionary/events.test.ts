import { afterEach, describe, expect, test, vi } from 'vitest'
import { ChangeStream } from '../../../src/dictionary/change-stream.js'
import { type Change, Emitter } from '../../../src/dictionary/events.js'
import { DecodingError, MemoryDict, MemoryStore } from '../../../src/index.js'
import { settle } from '../replica/gated-backend.js'

afterEach(() => {
  vi.restoreAllMocks()
})

describe('Emitter', () => {
  test.each([
    [
      'throws',
      () => {
        throw new Error('mine')
      },
    ],
    [
      'rejects',
      async () => {
        throw new Error('mine')
      },
    ],
    [
      'throws a value that is not an Error',
      () => {
        throw 'mine'
      },
    ],
  ])('a listener that %s causes a process warning, and the others are still notified', async (_name, listener) => {
    const warned = vi.spyOn(process, 'emitWarning').mockReturnValue()
    const emitter = new Emitter('settings', { run: work => work() })
    const calls: string[] = []
    emitter.on('close', () => void calls.push('before'))
    emitter.on('close', listener)
    emitter.on('close', () => void calls.push('after'))
    emitter.emit('close', undefined)
    await settle()
    expect(calls).toEqual(['before', 'after'])
    const detail = expect.stringContaining('mine')
    const options = { type: 'DurableDictWarning', code: 'DURABLEDICT_LISTENER', detail }
    expect(warned).toHaveBeenCalledExactlyOnceWith(expect.stringMatching(/"close".*"settings"/), options)
  })

  test('removed listeners are not notified, and a listener that was added twice is notified once', () => {
    const emitter = new Emitter('settings', { run: work => work() })
    const listener = vi.fn()
    emitter.on('close', listener)
    emitter.on('close', listener)
    emitter.emit('close', undefined)
    emitter.off('close', listener)
    emitter.emit('close', undefined)
    expect(listener).toHaveBeenCalledOnce()
    expect(emitter.has('close')).toBe(false)
  })

  test('listeners that a listener adds or removes do not disturb the current round', () => {
    const emitter = new Emitter('settings', { run: work => work() })
    const calls: string[] = []
    const second = () => void calls.push('second')
    emitter.on('close', () => {
      calls.push('first')
      emitter.off('close', second)
      emitter.on('close', () => void calls.push('late'))
    })
    emitter.on('close', second)
    emitter.emit('close', undefined)
    expect(calls).toEqual(['first', 'second'])
  })
})

function change(key: string, value: unknown, previous?: unknown): Change {
  return Object.freeze({ key, value, previous, version: `${key} ${value}`, origin: 'remote' })
}

describe('ChangeStream', () => {
  test('delivers changes in order, to those that wait and to those that come later', async () => {
    const stream = new ChangeStream(() => {})
    const [first, second] = [stream.next(), stream.next()]
    stream.push(change('a', 1))
    stream.push(change('a', 2))
    stream.push(change('a', 3))
    const values = [await first, await second, await stream.next()].map(result => result.value?.value)
    expect(values).toEqual([1, 2, 3])
  })

  test('end still delivers pending changes, return does not, and both end once', async () => {
    const onEnd = vi.fn()
    const ended = new ChangeStream(onEnd)
    ended.push(change('a', 1))
    ended.end()
    ended.end()
    expect((await ended.next()).value?.value).toBe(1)
    expect((await ended.next()).done).toBe(true)
    const left = new ChangeStream(onEnd)
    left.push(change('a', 1))
    expect(await left.return()).toEqual({ done: true, value: undefined })
    expect((await left.next()).done).toBe(true)
    expect(onEnd).toHaveBeenCalledTimes(2)
  })

  test('ends all waiting consumers', async () => {
    const stream = new ChangeStream(() => {})
    const waiting = [stream.next(), stream.next()]
    stream.end()
    expect((await Promise.all(waiting)).map(({ done }) => done)).toEqual([true, true])
  })

  test('fail delivers pending changes and then rejects', async () => {
    const stream = new ChangeStream(() => {})
    const reason = new Error('closed')
    stream.fail(reason)
    await expect(stream.next()).rejects.toBe(reason)
  })

  test('a consumer that falls far behind gets the difference: for each key the last value and the first previous one', async () => {
    const stream = new ChangeStream(() => {})
    const keys = ['a', 'b', 'c']
    const model = new Map<string, unknown>()
    const behind = new Map<string, unknown>()
    for (let n = 1; n <= 25_000; n += 1) {
      const key = keys[n % (n < 20_000 ? 3 : 2)] as string
      stream.push(change(key, n, model.get(key)))
      model.set(key, n)
    }
    stream.end()
    let calls = 0
    let last = 0
    for await (const { key, value, previous } of stream) {
      expect(previous).toBe(behind.get(key))
      expect(value).toBeGreaterThan(last)
      last = value as number
      behind.set(key, value)
      calls += 1
    }
    expect(behind).toEqual(model)
    expect(calls).toBeLessThanOrEqual(keys.length)
  })

  test('changes are frozen, including joined ones', async () => {
    const stream = new ChangeStream(() => {})
    for (let n = 1; n <= 10_002; n += 1) stream.push(change('a', n, n - 1))
    const { value } = await stream.next()
    expect(value).toMatchObject({ value: 10_002, previous: 0 })
    expect(Object.isFrozen(value)).toBe(true)
  })
})

describe('watch', () => {
  test('leaving the loop ends the watcher', async () => {
    const dict = await MemoryDict.open()
    const changes = dict.watch()
    await dict.set('a', 1)
    await dict.set('a', 2)
    for await (const { value } of changes) {
      expect(value).toBe(1)
      break
    }
    await dict.set('a', 3)
    expect((await changes.next()).done).toBe(true)
  })

  test('an aborted signal ends it before and while it waits', async () => {
    const dict = await MemoryDict.open()
    expect((await dict.watch({ signal: AbortSignal.abort() }).next()).done).toBe(true)
    const controller = new AbortController()
    const next = dict.watch({ signal: controller.signal }).next()
    controller.abort()
    expect((await next).done).toBe(true)
  })

  test('origin is local for writes of this object and remote for all others on the same store', async () => {
    const store = new MemoryStore()
    const [one, two] = [await MemoryDict.open(store), await MemoryDict.open(store)]
    const [ones, twos] = [one.watch(), two.watch()]
    await one.set('a', 1)
    await two.set('b', 2)
    await one.sync()
    const origins = async (stream: typeof ones) =>
      [(await stream.next()).value, (await stream.next()).value].map(change => `${change?.key} ${change?.origin}`)
    expect(await origins(ones)).toEqual(['a local', 'b remote'])
    expect(await origins(twos)).toEqual(['a remote', 'b local'])
  })

  test('a value that cannot be decoded throws when it is read, and affects no other key', async () => {
    const store = new MemoryStore()
    const raw = { name: 'raw', encode: (value: unknown) => value, decode: (stored: unknown) => stored }
    const writer = await MemoryDict.open(store, { encoding: raw as never })
    const reader = await MemoryDict.open(store)
    const changes = reader.watch()
    const heard = vi.fn()
    reader.on('change', heard)
    await writer.set('bad', 'not of this encoding')
    await writer.set('bad', 'neither is this')
    await reader.set('good', 1)
    const first = (await changes.next()).value
    expect(first?.key).toBe('bad')
    expect(() => first?.value).toThrow(DecodingError)
    expect(first?.previous).toBeUndefined()
    const second = (await changes.next()).value
    expect(() => second?.value).toThrow(DecodingError)
    expect(() => second?.previous).toThrow(DecodingError)
    expect((await changes.next()).value).toMatchObject({ key: 'good', value: 1 })
    expect(heard).toHaveBeenCalledTimes(3)
  })

  test('a listener that throws does not prevent memory from advancing', async () => {
    vi.spyOn(process, 'emitWarning').mockReturnValue()
    const dict = await MemoryDict.open()
    dict.on('change', () => {
      throw new Error('mine')
    })
    dict.on('sync', () => {
      throw new Error('mine')
    })
    await dict.update({ a: 1, b: 2 })
    expect(new Map(dict.local)).toEqual(new Map(Object.entries({ a: 1, b: 2 })))
  })

  test('in a listener, memory is the state after the change', async () => {
    const store = new MemoryStore()
    const [writer, reader] = [await MemoryDict.open(store), await MemoryDict.open(store, { autosync: false })]
    const seen: unknown[] = []
    reader.on('change', ({ version }) => seen.push([reader.version === version, new Map(reader.local)]))
    await writer.set('a', 1)
    await writer.set('a', 2)
    await reader.sync()
    expect(seen).toEqual([
      [true, new Map([['a', 1]])],
      [true, new Map([['a', 2]])],
    ])
  })
})
