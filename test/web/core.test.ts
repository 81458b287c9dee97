import { setTimeout as delay } from 'node:timers/promises'
import { afterEach, describe, expect, test } from 'vitest'
import { MemoryBackend } from '../../src/backends/memory/memory-backend.js'
import { FaultyBackend } from '../../src/conformance/faulty-backend.js'
import { freshPerRequest } from '../../src/express.js'
import { FreshPerRequest } from '../../src/frameworks/fresh-per-request.js'
import { ClosedError, DurableDict, MemoryDict, MemoryStore, ServiceUnavailableError } from '../../src/index.js'
import { inTime } from '../in-time.js'
import { until } from '../redis/support.js'
import { heard, pair } from './support.js'

const opened: DurableDict[] = []
afterEach(async () => {
  for (const dict of opened.splice(0)) await dict.close()
})

async function openPair(options = {}) {
  const made = await pair(options)
  opened.push(made.dict, made.writer)
  return made
}

describe('current() outside a request', () => {
  test('returns a snapshot of memory without a check, and the same one for the same state', async () => {
    const { dict, writer, faulty } = await openPair()
    await writer.set('colour', 'green')
    const before = faulty.calls.length
    const snapshot = dict.current()
    expect(snapshot.get('colour')).toBe('red')
    expect(dict.current()).toBe(snapshot)
    expect(faulty.calls.length).toBe(before)
    await dict.sync()
    expect([snapshot.get('colour'), dict.current().get('colour')]).toEqual(['red', 'green'])
    expect(dict.current()).toBe(await dict.snapshot())
  })

  test('falls back to the defaults', async () => {
    const dict = await MemoryDict.open<{ colour: string }>(undefined, { defaults: { colour: 'grey' } })
    expect(dict.current().get('colour')).toBe('grey')
  })

  test('throws ClosedError after close, also in a request', async () => {
    const { dict } = await openPair()
    const scope = await new FreshPerRequest({ dict }, undefined).begin({})
    await dict.close()
    expect(() => dict.current()).toThrow(ClosedError)
    expect(() => scope.run(() => dict.current())).toThrow(ClosedError)
    expect(scope.dicts.dict.get('colour')).toBe('red')
  })
})

describe('a request', () => {
  test('within the bound begins at once, without a promise', async () => {
    const { dict } = await openPair({ maxStaleness: 60_000 })
    expect(new FreshPerRequest({ dict }, undefined).begin({})).not.toBeInstanceOf(Promise)
    expect(new FreshPerRequest({ dict }, { maxStaleness: 60_000 }).begin({})).not.toBeInstanceOf(Promise)
    // The option overrides the dictionary's own.
    expect(new FreshPerRequest({ dict }, { maxStaleness: 0 }).begin({})).toBeInstanceOf(Promise)
  })

  test('that passes two middlewares keeps the snapshots of the first, and gets the rest from the second', async () => {
    const { dict, writer } = await openPair()
    const other = await openPair()
    const request = {}
    const first = await new FreshPerRequest({ dict }, undefined).begin(request)
    await writer.set('colour', 'green')
    await dict.sync()
    const second = await first.run(() => new FreshPerRequest({ dict, other: other.dict }, undefined).begin(request))
    expect(second.dicts.dict).toBe(first.dicts.dict)
    expect(Object.keys(second.dicts)).toEqual(['dict', 'other'])
    second.run(() => expect(dict.current().get('colour')).toBe('red'))
  })

  test('started by another request is a request of its own', async () => {
    const { dict, writer } = await openPair()
    const fresh = new FreshPerRequest({ dict }, undefined)
    const first = await fresh.begin({})
    await writer.set('colour', 'green')
    const second = await first.run(() => fresh.begin({}))
    expect(second.dicts.dict.get('colour')).toBe('green')
  })

  test('ends with its response: work it left running sees memory', async () => {
    const { dict, writer } = await openPair()
    const response = { writableFinished: false }
    const scope = await new FreshPerRequest({ dict }, undefined).begin({}, response)
    await writer.set('colour', 'green')
    await dict.sync()
    const left = scope.run(async () => {
      const seen = [dict.current().get('colour')]
      await delay(1)
      response.writableFinished = true
      return [...seen, dict.current().get('colour')]
    })
    expect(await left).toEqual(['red', 'green'])
  })
})

describe('maxStaleness', () => {
  test('is recorded in the store before it is relied on: writes { everywhere: true } wait for it', async () => {
    const { dict, writer } = await openPair()
    const fresh = new FreshPerRequest({ dict }, { maxStaleness: 300 })
    await fresh.begin({})
    const relied = await fresh.begin({})
    expect(relied.dicts.dict.get('colour')).toBe('red')
    const started = performance.now()
    await writer.set('colour', 'green', { everywhere: true })
    expect(performance.now() - started).toBeGreaterThan(250)
    expect((await fresh.begin({})).dicts.dict.get('colour')).toBe('green')
  })

  test('that cannot be recorded is not relied on', async () => {
    const { dict, faulty } = await openPair()
    faulty.failBefore('registerMaxStaleness')
    const fresh = new FreshPerRequest({ dict }, { maxStaleness: 60_000 })
    for (let request = 0; request < 3; request += 1) expect(fresh.begin({})).toBeInstanceOf(Promise)
    await fresh.begin({})
    expect(fresh.begin({})).toBeInstanceOf(Promise)
    faulty.heal()
    const atOnce = async () => {
      const begun = fresh.begin({})
      await begun
      return !(begun instanceof Promise)
    }
    await until(atOnce, 'a request that begins at once')
  })

  test('needs no record if the backend keeps none and so has no such writes', async () => {
    const store = new MemoryStore()
    const { backend } = new FaultyBackend(new MemoryBackend(store))
    const dict = await DurableDict.open({ ...backend, supports: { registerMaxStaleness: false } })
    opened.push(dict)
    const fresh = new FreshPerRequest({ dict }, { maxStaleness: 60_000 })
    expect(fresh.begin({})).not.toBeInstanceOf(Promise)
  })
})

describe('a store that is down', () => {
  test('releases all waiting requests as soon as one check has failed', async () => {
    const { dict, faulty } = await openPair()
    const fresh = new FreshPerRequest({ dict }, { whenDown: 'fail' })
    let failIt: (error: Error) => void = () => {}
    faulty.intercept('changesSince', () => new Promise((_, reject) => (failIt = reject)))
    const called = faulty.called('changesSince')
    const first = fresh.begin({})
    await called
    // Arrives during that one: waits for the next check, which would also hang.
    const second = fresh.begin({})
    failIt(new Error('gone'))
    await expect(first).rejects.toThrow(ServiceUnavailableError)
    await expect(second).rejects.toMatchObject({
      status: 503,
      dictionary: 'settings',
      cause: { cause: new Error('gone') },
    })
    faulty.heal()
  })

  test('is checked again by one request at a time, which waits for a moment, while others are served at once', async () => {
    const { dict, faulty } = await openPair()
    const fresh = new FreshPerRequest({ dict }, undefined)
    faulty.failBefore('changesSince')
    await fresh.begin({})
    faulty.hang('changesSince')
    const called = faulty.called('changesSince')
    const asking = fresh.begin({})
    expect(asking).toBeInstanceOf(Promise)
    await called
    const before = faulty.calls.length
    for (let request = 0; request < 10; request += 1) expect(fresh.begin({})).not.toBeInstanceOf(Promise)
    expect(faulty.calls.length).toBe(before)
    expect((await asking).dicts.dict.get('colour')).toBe('red')
    faulty.heal()
  })

  test('counts as up again after any successful read', async () => {
    const { dict, writer, faulty } = await openPair()
    const events = heard(dict)
    const fresh = new FreshPerRequest({ dict }, undefined)
    faulty.failBefore('changesSince')
    await fresh.begin({})
    faulty.heal()
    await writer.set('colour', 'green')
    expect(await dict.get('colour')).toBe('green')
    await writer.set('colour', 'blue')
    expect((await fresh.begin({})).dicts.dict.get('colour')).toBe('blue')
    expect(events.map(({ event }) => event)).toEqual(['stale', 'fresh'])
  })

  test('is waited for at most timeout in all, however long a load takes', async () => {
    const { dict, writer, faulty } = await openPair({ timeout: 450 })
    const fresh = new FreshPerRequest({ dict }, undefined)
    await writer.set('colour', 'green')
    // The changes are too old, and the full load does not arrive.
    faulty.hang('load')
    faulty.intercept('changesSince', async () => {
      await delay(300)
      return { type: 'tooOld', diverged: false }
    })
    const { soon, value: scope } = await inTime(720, () => fresh.begin({}))
    expect(scope.dicts.dict.get('colour')).toBe('red')
    // The check took 300 ms, and the load would take 450 ms more.
    expect(soon).toBe(true)
    faulty.heal()
  })
})

describe('an object that is not a dictionary, or a wrong option', () => {
  const refused = (dictionaries: unknown, options?: unknown) => () =>
    freshPerRequest(dictionaries as never, options as never)

  test('throws a TypeError that names the argument and the remedy', async () => {
    const { dict } = await openPair()
    const promise = MemoryDict.open()
    const cases: [dictionaries: unknown, options: unknown, message: RegExp][] = [
      [
        undefined,
        undefined,
        /takes a dictionary, an array of them, or an object of them by name; the first argument is undefined/,
      ],
      [null, undefined, /the first argument is null/],
      ['settings', undefined, /the first argument is "settings"/],
      [promise, undefined, /the first argument is a promise\. Await the result of open\(\)/],
      [{ settings: promise }, undefined, /"settings" is a promise\. Await/],
      [{ settings: {} }, undefined, /"settings" is object/],
      [{ settings: new Map() }, undefined, /"settings" is object/],
      [[dict, null], undefined, /a member of the array is null/],
      [{}, undefined, /at least one dictionary/],
      [[], undefined, /at least one dictionary/],
      [[dict, dict], undefined, /two dictionaries named "settings": pass an object/],
      [Object.fromEntries([['__proto__', dict]]), undefined, /name "__proto__"/],
      [dict, { whenDown: 'crash' }, /Option "whenDown" must be 'serve' or 'fail'; got "crash"/],
      [dict, { whenDown: true }, /Option "whenDown"/],
      [dict, { maxStaleness: -1 }, /Option "maxStaleness" must be a number of milliseconds from 0 to 86400000; got -1/],
      [dict, { maxStaleness: '100' }, /Option "maxStaleness"/],
      [dict, { maxStaleness: Number.NaN }, /Option "maxStaleness"/],
      [
        dict,
        { maxstaleness: 1 },
        /freshPerRequest\(\) has no option "maxstaleness"; it has whenDown, maxStaleness, patience/,
      ],
      [dict, null, /must be an object/],
    ]
    for (const [dictionaries, options, message] of cases) {
      expect(refused(dictionaries, options), String(message)).toThrow(TypeError)
      expect(refused(dictionaries, options), String(message)).toThrow(message)
    }
  })
})

describe('a listener', () => {
  test.each(['change', 'sync'] as const)(
    'of %s sees the new state by current(), whatever request caused it',
    async event => {
      const { dict, writer } = await openPair()
      const seen: unknown[] = []
      dict.on(event, () => seen.push(dict.current().get('colour')))
      const scope = await new FreshPerRequest({ dict }, undefined).begin({})
      await scope.run(async () => {
        await writer.set('colour', 'green')
        await dict.get('colour')
        await dict.set('colour', 'blue')
        expect(dict.current().get('colour')).toBe('red')
      })
      expect(seen).toEqual(['green', 'blue'])
    },
  )

  test('of a dictionary that was opened in a request is outside that request', async () => {
    const { dict } = await openPair()
    const scope = await new FreshPerRequest({ dict }, undefined).begin({})
    const inside = await scope.run(() => MemoryDict.open())
    opened.push(inside)
    const seen: unknown[] = []
    inside.on('change', () => seen.push(dict.current().get('colour')))
    await dict.set('colour', 'green')
    await scope.run(() => inside.set('a', 1))
    expect(seen).toEqual(['green'])
  })
})

test('maxStaleness of the middleware is rejected for a read-only dictionary', async () => {
  const dict = await MemoryDict.open(new MemoryStore(), { readOnly: true })
  opened.push(dict)
  expect(() => freshPerRequest({ dict }, { maxStaleness: 100 })).toThrow(/readOnly/)
  expect(() => freshPerRequest({ dict })).not.toThrow()
})

describe('the time that a request waits', () => {
  async function durationOf(work: () => unknown): Promise<number> {
    const before = performance.now()
    await work()
    return performance.now() - before
  }

  test('is a quarter of a second by default, not the timeout of the dictionary, and can be set', async () => {
    const { dict, faulty } = await openPair({ timeout: 30_000 })
    faulty.hang(['changesSince'])
    const impatient = new FreshPerRequest({ dict }, { patience: 10 })
    expect(await inTime(200, () => impatient.begin({}))).toMatchObject({ soon: true })
    faulty.heal()
    await until(() => dict.sync().then(() => true), 'an answer')
    faulty.hang(['changesSince'])
    const duration = await durationOf(() => new FreshPerRequest({ dict }, undefined).begin({}))
    expect(duration).toBeGreaterThan(200)
    expect(duration).toBeLessThan(5_000)
    expect(await inTime(200, () => new FreshPerRequest({ dict }, undefined).begin({}))).toMatchObject({ soon: true })
    faulty.heal()
  })

  test('is not used if the store refuses at once', async () => {
    const { dict, faulty } = await openPair({ timeout: 30_000 })
    faulty.failBefore(['changesSince'], new Error('connect ECONNREFUSED'))
    const fails = new FreshPerRequest({ dict }, { whenDown: 'fail', patience: 30_000 })
    await expect(fails.begin({})).rejects.toMatchObject({ cause: { message: expect.stringContaining('ECONNREFUSED') } })
  })

  test('can be too short for a slow store: its late response ends the outage', async () => {
    const { dict, faulty, writer } = await openPair({ timeout: 30_000 })
    const events = heard(dict)
    let release = () => {}
    faulty.delayAfter(['changesSince'], () => new Promise<void>(resolve => (release = resolve)))
    await writer.set('colour', 'green')
    const scope = await new FreshPerRequest({ dict }, { patience: 10 }).begin({})
    expect(scope.dicts.dict.get('colour')).toBe('red')
    expect(events.map(({ event }) => event)).toEqual(['stale'])
    const recovered = new Promise(resolve => dict.on('fresh', resolve))
    release()
    await recovered
    expect(dict.local.get('colour')).toBe('green')
    faulty.heal()
  })

  test.each([0, -1, Number.NaN, '10', null])('of %s is rejected', async patience => {
    const { dict } = await openPair()
    expect(() => freshPerRequest({ dict }, { patience: patience as never })).toThrow(/"patience"/)
  })
})
