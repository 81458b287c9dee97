import fc from 'fast-check'
import { afterEach, describe, expect, test } from 'vitest'
import { MemoryBackend } from '../../src/backends/memory/memory-backend.js'
import { FaultyBackend } from '../../src/conformance/faulty-backend.js'
import {
  AmbiguousWriteError,
  type CommonOptions,
  DurableDict,
  DurableDictError,
  MemoryDict,
  MemoryStore,
  openDict,
  StoreUnavailableError,
} from '../../src/index.js'

const opened: DurableDict[] = []
const warnings: Error[] = []
process.on('warning', warning => void warnings.push(warning))
afterEach(async () => {
  for (const dict of opened.splice(0)) await dict.close().catch(() => {})
  warnings.length = 0
})

async function openFaulty(options: CommonOptions = {}, backend = new MemoryBackend(new MemoryStore())) {
  const faulty = new FaultyBackend(backend)
  const dict: DurableDict = await DurableDict.open(faulty.backend, options)
  opened.push(dict)
  return { dict, faulty }
}

/** Values that are not a number of milliseconds. */
const NO_BOUNDS = [Infinity, -Infinity, Number.NaN, -1, -0.5, 86_400_001, 2 ** 31, 2 ** 53, 1e308, '5', null, {}, 5n]

/** Without a registry of replicas, writes wait for the bound. */
const openBounded = () =>
  openFaulty({}, Object.assign(new MemoryBackend(new MemoryStore()), { supports: { presence: false } }))

describe('a recorded staleness bound', () => {
  test.each(NO_BOUNDS)('of %s neither blocks every { everywhere: true } write nor counts as no bound', async bound => {
    const { dict, faulty } = await openBounded()
    faulty.intercept('commit', async (proceed, ...args) => ({ ...((await proceed(...args)) as object), bound }))
    const error = await dict.set('a', 1, { everywhere: true }).catch(error => error)
    expect(error).toBeInstanceOf(AmbiguousWriteError)
    expect(error.message).toMatch(/took effect.*bound.*damaged/)
    expect(await dict.get('a')).toBe(1)
    await dict.set('a', 2)
    await new Promise(resolve => setImmediate(resolve))
    expect(warnings).toEqual([])
  })

  test.each([undefined, 0, 0.5, 3])('of %s is waited out', async bound => {
    const { dict, faulty } = await openBounded()
    faulty.intercept('commit', async (proceed, ...args) => ({ ...((await proceed(...args)) as object), bound }))
    await dict.set('a', 1, { everywhere: true })
  })
})

/** Malformed answers to a check. */
const NO_ANSWERS: readonly unknown[] = [
  undefined,
  null,
  0,
  'changes',
  [],
  {},
  { type: 'other' },
  { type: 'changes' },
  { type: 'changes', version: Number.NaN, changes: [] },
  { type: 'changes', version: {}, changes: [] },
  { type: 'changes', version: 'v', changes: {} },
  { type: 'changes', version: 'v', changes: [null] },
  { type: 'changes', version: 'v', changes: [{ previous: 'u', version: 'v', effects: 5 }] },
  { type: 'changes', version: 'v', changes: [{ previous: 'u', version: 'v', effects: [{ type: 'set', key: 5 }] }] },
  { type: 'changes', version: 'v', changes: [{ previous: 'u', version: 'v', effects: [{ type: 'set', key: 'a' }] }] },
  { type: 'changes', version: 'v', changes: [], asOf: Number.NaN },
  { type: 'tooOld', diverged: true, asOf: Number.POSITIVE_INFINITY },
  { type: 'state', version: 'v', entries: 5 },
  { type: 'state', version: 'v' },
]

describe("a backend's response", () => {
  test.each(NO_ANSWERS.map(answer => [JSON.stringify(answer) ?? 'undefined', answer]))(
    'to a check, %s, is rejected, and the next one is accepted',
    async (_, answer) => {
      for (const how of [(value: unknown) => value, (value: unknown) => Promise.resolve(value)]) {
        const { dict, faulty } = await openFaulty()
        await dict.set('a', 1)
        faulty.intercept('changesSince', () => how(answer))
        await expect(dict.sync()).rejects.toThrow(StoreUnavailableError)
        expect(new Map(dict.local)).toEqual(new Map([['a', 1]]))
        faulty.heal()
        await dict.sync()
      }
    },
  )

  test.each([
    ['no outcomes', { outcomes: undefined }],
    ['too few outcomes', { outcomes: [] }],
    ['too many outcomes', { outcomes: [{ status: 'done', results: [] }, { status: 'conflict' }] }],
    ['an unknown outcome', { outcomes: [{ status: 'perhaps' }] }],
    ['no link to the present version', { catchUp: undefined }],
  ])('to a write with %s is not accepted', async (_, wrong) => {
    const { dict, faulty } = await openFaulty()
    faulty.intercept('commit', async (proceed, ...args) => ({ ...((await proceed(...args)) as object), ...wrong }))
    await expect(dict.set('a', 1)).rejects.toThrow(AmbiguousWriteError)
    faulty.heal()
    await dict.set('b', 2)
    expect(await dict.get('a')).toBe(1)
  })

  test('from the future does not extend how long memory counts as current', async () => {
    const { dict, faulty } = await openFaulty({ maxStaleness: 60_000 })
    faulty.intercept('changesSince', (proceed, ...args) => ({ ...(proceed(...args) as object), asOf: 1e15 }))
    await dict.sync()
    expect(dict.staleness).toBeGreaterThanOrEqual(0)
    expect(dict.staleness).toBeLessThan(10_000)
  })

  test('of any shape ends in a DurableDictError and leaves memory unchanged', async () => {
    const { dict, faulty } = await openFaulty()
    await dict.set('a', 1)
    await fc.assert(
      fc.asyncProperty(fc.anything(), async answer => {
        faulty.intercept('changesSince', () => answer)
        const error = await dict.sync().catch(error => error)
        expect(error).toBeInstanceOf(DurableDictError)
        expect(new Map(dict.local)).toEqual(new Map([['a', 1]]))
      }),
      { numRuns: 200 },
    )
  })
})

describe('a numeric option', () => {
  const names = ['timeout', 'maxStaleness', 'resyncEvery'] as const
  test.each(names)('%s accepts milliseconds from 1 to its limit and rejects everything else', async name => {
    await fc.assert(
      fc.asyncProperty(fc.oneof(fc.double(), fc.integer(), fc.anything()), async value => {
        const max = name === 'maxStaleness' ? 86_400_000 : 2 ** 31 - 1
        const right = value === undefined || (typeof value === 'number' && value >= 1 && value <= max)
        const opening = MemoryDict.open(new MemoryStore(), { [name]: value } as CommonOptions)
        if (right) await (await opening).close()
        else await expect(opening).rejects.toThrow(TypeError)
      }),
      { numRuns: 100 },
    )
  })
})

/** Every place of a URL that may contain a password. */
const SECRET = 'hunter2'
const URLS = [
  `postgres://app:${SECRET}@db:5432/app#settings`,
  `redis://app:${SECRET}@[bad#settings`,
  `redis://app:p@${SECRET}@host`,
  `redis://:${SECRET}@localhost:99999#settings`,
  `redis:${SECRET}`,
  `redis://localhost?password=${SECRET}`,
  `sqlite://app:${SECRET}@host/app.db#settings`,
  `sqlite:./app.db?key=${SECRET}#settings`,
  `sqlite:./%${SECRET}#settings`,
  `zookeeper://app:${SECRET}@a:2181`,
  `zookeeper://app:${SECRET}@a:2181/app#name`,
  `zookeeper://app:${SECRET}@a:2181/%zz`,
  `zookeeper://app:${SECRET}@/app`,
  `//app:${SECRET}@host`,
  SECRET,
]

describe('a URL', () => {
  test.each(URLS)('never appears with its password: %s', async url => {
    const error = await openDict(url, { timeout: 50 }).catch(error => error)
    expect(error).toBeInstanceOf(Error)
    for (let one = error; one instanceof Error; one = one.cause) {
      expect(one.message).not.toContain(SECRET)
      expect(JSON.stringify(Object.entries(one))).not.toContain(SECRET)
    }
  })

  const none: readonly unknown[] = [
    undefined,
    null,
    5,
    {},
    [],
    () => 'sqlite:./a.db#a',
    { toString: () => Symbol('a') },
  ]
  test.each(none)('that is not valid, %o, throws a TypeError', async url => {
    await expect(openDict(url as never)).rejects.toThrow(TypeError)
  })

  test('of any length gets a bounded message', async () => {
    const error = await openDict(`x:${'y'.repeat(10_000_000)}`).catch(error => error)
    expect(error).toBeInstanceOf(TypeError)
    expect(error.message.length).toBeLessThan(1_000)
  })
})
