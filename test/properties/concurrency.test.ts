import fc, { type Scheduler } from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type CommonOptions, DurableDict, MemoryDict, MemoryStore, type Snapshot } from '../../src/index.js'
import { Calls } from './calls.js'
import { kinds, type Place } from './places.js'
import { type Audience, ScheduledBackend } from './scheduled-backend.js'

const KEYS = ['a', 'b'] as const

type Operation =
  | { readonly do: 'get' | 'has' | 'delete' | 'pop' | 'set' | 'setDefault' | 'increment'; readonly key: string }
  | { readonly do: 'snapshot' | 'update' | 'clear' | 'sync' | 'entries' }

/** Reads and writes are frequent, since most faults happen between these two. */
const BY_KEY = ['get', 'get', 'has', 'delete', 'pop', 'set', 'set', 'setDefault', 'increment'] as const

const key = fc.constantFrom<string>(...KEYS)
const operation = fc.oneof(
  {
    weight: 7,
    arbitrary: fc.record({ do: fc.constantFrom(...BY_KEY), key }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constantFrom('snapshot', 'update', 'clear', 'sync', 'entries') }) },
) as fc.Arbitrary<Operation>

/** The operations of each of four callers, one after the other; two callers share a dictionary. */
const callers = fc.tuple(...[0, 1, 2, 3].map(() => fc.array(operation, { maxLength: 8, size: 'max' })))

type Dict = DurableDict<Record<string, unknown>>

/** Every call and its result. */
class Observations extends Calls {
  readonly snapshots: { snapshot: Snapshot; dict: number; invoked: number; returned: number }[] = []
  #written = 0

  /** A value that nobody has written before. */
  fresh(): string {
    this.#written += 1
    return `${this.#written}`
  }

  read(key: string, invoked: number, seen: unknown): void {
    this.note(key, invoked, { kind: 'read', result: seen as string })
  }
}

async function perform(dict: Dict, index: number, one: Operation, log: Observations): Promise<void> {
  const invoked = log.tick()
  const value = log.fresh()
  switch (one.do) {
    case 'get':
      return log.read(one.key, invoked, await dict.get(one.key))
    case 'has':
      return log.note(one.key, invoked, { kind: 'has', result: await dict.has(one.key) })
    case 'set':
      await dict.set(one.key, value)
      return log.note(one.key, invoked, { kind: 'set', value })
    case 'delete':
      return log.note(one.key, invoked, { kind: 'delete', result: await dict.delete(one.key) })
    case 'pop': {
      const popped = (await dict.pop(one.key, undefined)) as string | undefined
      return log.note(one.key, invoked, { kind: 'pop', result: popped })
    }
    case 'setDefault': {
      const stored = (await dict.setDefault(one.key, value)) as string
      return log.note(one.key, invoked, { kind: 'setDefault', value, result: stored })
    }
    case 'increment': {
      let seen: unknown
      await dict.transact(tx => {
        seen = tx.get(one.key)
        tx.set(one.key, value)
      })
      return log.note(one.key, invoked, { kind: 'transact', expected: seen as string, value })
    }
    default:
      return performOnAll(dict, index, one, log, invoked, value)
  }
}

async function performOnAll(
  dict: Dict,
  index: number,
  one: Operation,
  log: Observations,
  invoked: number,
  value: string,
): Promise<void> {
  switch (one.do) {
    case 'snapshot': {
      const snapshot = await dict.snapshot()
      for (const key of KEYS) log.read(key, invoked, snapshot.get(key))
      log.snapshots.push({ snapshot, dict: index, invoked, returned: log.tick() })
      return
    }
    case 'entries': {
      const entries = new Map(await dict.entries())
      for (const key of KEYS) log.read(key, invoked, entries.get(key))
      return
    }
    case 'update':
      await dict.update(KEYS.map(key => [key, value] as const))
      for (const key of KEYS) log.note(key, invoked, { kind: 'update', value })
      return
    case 'clear':
      await dict.clear()
      for (const key of KEYS) log.note(key, invoked, { kind: 'clear' })
      return
    case 'sync':
      await dict.sync()
      for (const key of KEYS) log.read(key, invoked, dict.local.get(key))
      return
    default:
      throw new Error(`No such operation: ${one.do}`)
  }
}

/** The changes that a dictionary emits from the beginning to the end: every state of the store, in order. */
class Chronicle {
  readonly states = new Map<unknown, ReadonlyMap<string, unknown>>()
  readonly order: unknown[] = []
  readonly #current = new Map<string, unknown>()

  constructor(dict: Dict) {
    this.#note(dict.version)
    dict.on('change', ({ key, value, previous, version }) => {
      expect(previous).toEqual(this.#current.get(key))
      if (value === undefined) this.#current.delete(key)
      else this.#current.set(key, value)
      this.#note(version)
    })
  }

  #note(version: unknown): void {
    if (this.order.at(-1) !== version) this.order.push(version)
    this.states.set(version, new Map(this.#current))
  }
}

/** Snapshots are states that the store had, and those of one dictionary never go back. */
function checkSnapshots(log: Observations, chronicle: Chronicle): void {
  for (const { snapshot } of log.snapshots) {
    expect(new Map(snapshot)).toEqual(chronicle.states.get(snapshot.version))
  }
  for (const earlier of log.snapshots) {
    for (const later of log.snapshots) {
      if (earlier.dict !== later.dict || earlier.returned > later.invoked) continue
      const [from, to] = [earlier, later].map(({ snapshot }) => chronicle.order.indexOf(snapshot.version))
      expect(to).toBeGreaterThanOrEqual(from as number)
    }
  }
}

async function runCallers(dicts: readonly Dict[], plans: readonly (readonly Operation[])[], log: Observations) {
  await Promise.all(
    plans.map(async (plan, index) => {
      for (const one of plan) await perform(dicts[index % 2] as Dict, index % 2, one, log)
    }),
  )
}

/** Each dictionary's own changes lead to its contents. */
function follow(dict: Dict): () => void {
  const model = new Map<string, unknown>()
  dict.on('change', ({ key, value, previous }) => {
    expect(previous).toEqual(model.get(key))
    if (value === undefined) model.delete(key)
    else model.set(key, value)
  })
  return () => expect(model).toEqual(new Map(dict.local))
}

async function finish(dicts: readonly Dict[], observer: Dict, followed: readonly (() => void)[]): Promise<void> {
  await Promise.all([...dicts, observer].map(dict => dict.sync()))
  for (const dict of dicts) expect(new Map(dict.local)).toEqual(new Map(observer.local))
  for (const check of followed) check()
}

const MODES: readonly (readonly [string, CommonOptions])[] = [
  ['autosync: true', {}],
  ['live, autosync: true', { live: true }],
]

describe('Overlapping operations with responses in any order', () => {
  for (const [name, options] of MODES) {
    test(`${name}: each key is linearizable, snapshots are real states, changes arrive in order`, () =>
      fc.assert(
        fc.asyncProperty(
          fc.scheduler(),
          callers,
          fc.infiniteStream(fc.nat({ max: 9 })),
          async (scheduler, plans, dice) => {
            await runScheduled(scheduler, plans, options, dice)
          },
        ),
        { numRuns: 250 },
      ))
  }

  test('autosync: false: writes are linearizable, and a caller reads its earlier writes', () =>
    fc.assert(
      fc.asyncProperty(
        fc.scheduler(),
        callers,
        fc.infiniteStream(fc.nat({ max: 9 })),
        async (scheduler, plans, dice) => {
          const reads = ['get', 'has', 'entries', 'snapshot']
          const writing = plans.map(plan => plan.filter(one => one.do !== 'increment' && !reads.includes(one.do)))
          await runScheduled(scheduler, writing, { autosync: false }, dice)
        },
      ),
      { numRuns: 150 },
    ))
})

async function runScheduled(
  scheduler: Scheduler,
  plans: readonly (readonly Operation[])[],
  options: CommonOptions,
  dice: Iterator<number>,
): Promise<void> {
  const store = new MemoryStore()
  const chance = () => dice.next().value as number
  const audience: Audience = new Set()
  const backends = [0, 1].map(() => new ScheduledBackend(store, scheduler, chance, audience))
  const dicts = await Promise.all(backends.map(({ backend }) => DurableDict.open(backend, options)))
  const observer = await MemoryDict.open(store, { autosync: false })
  const chronicle = new Chronicle(observer)
  const followed = dicts.map(follow)
  const log = new Observations()
  for (const backend of backends) backend.scheduling = true
  try {
    await scheduler.waitFor(runCallers(dicts, plans, log))
    await scheduler.waitFor(finish(dicts, observer, followed))
    log.expectLinearizable()
    checkSnapshots(log, chronicle)
  } finally {
    for (const backend of backends) backend.scheduling = false
    await scheduler.waitFor(Promise.all([...dicts, observer].map(dict => dict.close())))
  }
}

for (const kind of await kinds()) {
  describe(`Overlapping operations: ${kind.name}`, () => {
    for (const [name, options] of MODES) {
      test(
        `${name}: each key is linearizable, snapshots are real states, changes arrive in order`,
        () =>
          fc.assert(
            fc.asyncProperty(callers, async plans => {
              const place = await kind.create()
              try {
                await runOn(place, plans, options)
              } finally {
                await place.dispose()
              }
            }),
            { numRuns: Math.ceil(200 * kind.share) },
          ),
        60_000,
      )
    }
  })
}

async function runOn(place: Place, plans: readonly (readonly Operation[])[], options: CommonOptions): Promise<void> {
  const dicts = [await place.open(options), await place.open(options)]
  const observer = await place.open({ autosync: false })
  const chronicle = new Chronicle(observer)
  const followed = dicts.map(follow)
  const log = new Observations()
  try {
    await runCallers(dicts, plans, log)
    await finish(dicts, observer, followed)
    log.expectLinearizable()
    checkSnapshots(log, chronicle)
  } finally {
    await Promise.all([...dicts, observer].map(dict => dict.close()))
  }
}
