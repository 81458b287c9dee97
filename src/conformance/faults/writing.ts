import assert from 'node:assert/strict'
import { AmbiguousWriteError, StoreUnavailableError } from '../../errors/errors.js'
import { failure, rejects } from '../expect.js'
import type { FaultyBackend } from '../faulty-backend.js'
import { everyMode, lacks, needs, type Topic } from '../suite.js'
import type { Dict, World } from '../world.js'

/** Every way to write, each with an effect on the initial entries `a` and `b`. */
const WRITES: Record<string, (dict: Dict) => Promise<unknown>> = {
  set: dict => dict.set('c', 3),
  delete: dict => dict.delete('a'),
  update: dict => dict.update({ a: 9 }),
  pop: dict => dict.pop('a'),
  setDefault: dict => dict.setDefault('c', 3),
  clear: dict => dict.clear(),
}

const BEFORE = { a: 1, b: 2 }
const AFTER: Record<string, Record<string, number>> = {
  set: { a: 1, b: 2, c: 3 },
  delete: { b: 2 },
  update: { a: 9, b: 2 },
  pop: { b: 2 },
  setDefault: { a: 1, b: 2, c: 3 },
  clear: {},
}

export async function shows(dict: Dict, expected: Record<string, unknown>, what: string): Promise<void> {
  await dict.sync()
  assert.deepEqual(new Map(dict.local), new Map(Object.entries(expected)), what)
}

export const faultyWrites: Topic = {
  title: 'faults while writing',
  modes: everyMode,
  tests: {
    'a failed write rejects with AmbiguousWriteError': async world => {
      const tap = await world.tap()
      const dict = await world.openOn(tap)
      await dict.update(BEFORE)
      const cause = new Error('unplugged')
      for (const [name, write] of Object.entries(WRITES)) {
        tap.failBefore(world.path.write, cause)
        const error = await rejects(write(dict), AmbiguousWriteError)
        assert.equal(rootOf(error), cause)
        tap.heal()
        await shows(dict, BEFORE, name)
      }
    },

    'a write whose answer was lost takes effect once': async world => {
      const tap = await world.tap()
      const dict = await world.openOn(tap)
      for (const [name, write] of Object.entries(WRITES)) {
        await dict.clear()
        await dict.update(BEFORE)
        tap.failAfter(world.path.write)
        await rejects(write(dict), AmbiguousWriteError)
        tap.heal()
        if (world.supports('commit') || name !== 'clear') await shows(dict, AFTER[name] ?? {}, name)
      }
    },

    'a StoreUnavailableError of the backend means that the write had no effect': async world => {
      const tap = await world.tap()
      const dict = await world.openOn(tap)
      await dict.update(BEFORE)
      for (const write of Object.values(WRITES)) {
        tap.failBefore(world.path.write, new StoreUnavailableError('read-only', { dictionary: dict.name }))
        await rejects(write(dict), StoreUnavailableError)
        tap.heal()
      }
      await shows(dict, BEFORE, 'nothing was written')
      const own = new StoreUnavailableError('read-only', { dictionary: dict.name })
      tap.failBefore([...world.path.write, ...world.path.check, ...world.path.load, 'lastUpdated'], own)
      const error = (await failure(dict.set('a', 2))) as StoreUnavailableError
      assert.ok(
        error instanceof StoreUnavailableError && error.message.includes('read-only'),
        'the error passes even if memory cannot catch up',
      )
      assert.deepEqual([error.dictionary, error.key], [dict.name, 'a'], 'the error must name the key')
    },

    'a synchronous error of the backend is reported in the same way': async world => {
      const tap = await world.tap()
      const dict = await world.openOn(tap)
      tap.intercept(world.path.write, () => {
        throw new Error('unplugged')
      })
      await rejects(dict.set('a', 1), AmbiguousWriteError)
      tap.heal()
      await dict.set('a', 2)
      await shows(dict, { a: 2 }, 'later writes must work')
    },

    'a write that waited behind a failed one is executed': async world => {
      const tap = await world.tap()
      const dict = await world.openOn(tap)
      let release = () => {}
      const released = new Promise<void>(resolve => {
        release = resolve
      })
      const method = world.supports('commit') ? 'commit' : 'persist'
      const sent = tap.called(method)
      tap.intercept(method, async () => {
        await released
        throw new Error('unplugged')
      })
      const failing = failure(dict.set('a', 1))
      await sent
      const waiting = dict.set('b', 2)
      tap.heal()
      release()
      assert.ok((await failing) instanceof AmbiguousWriteError)
      await waiting
      await shows(dict, { b: 2 }, 'each write must have its own outcome')
    },

    'a write that took effect rejects with AmbiguousWriteError if memory cannot catch up': async world => {
      const [tap, other] = [await world.tap(), await world.open()]
      const dict = await world.openOn(tap)
      cutOff(world, tap)
      const error = await failure(dict.set('a', 1))
      assert.ok(error instanceof AmbiguousWriteError, `it took effect, so that ${error} would be wrong`)
      tap.heal()
      await shows(dict, { a: 1 }, 'memory must catch up later')
      await shows(other, { a: 1 }, 'the write must take effect')
    },

    'a transaction with an unknown outcome is not retried': needs('commit', async world => {
      const tap = await world.tap()
      const dict = await world.openOn(tap)
      tap.failAfter('commit')
      let attempts = 0
      const transacting = dict.transact(tx => {
        attempts += 1
        tx.set('n', ((tx.get('n') ?? 0) as number) + 1)
      })
      await rejects(transacting, AmbiguousWriteError)
      tap.heal()
      assert.equal(attempts, 1)
      await shows(dict, { n: 1 }, 'the transaction must take effect at most once')
    }),

    'an update that fails halfway stays partly done and reports it, without commit()': lacks('commit', async world => {
      const tap = await world.tap()
      const dict = await world.openOn(tap)
      let done = 0
      tap.intercept('persist', (proceed, ...args) => {
        done += 1
        if (done === 3) throw new StoreUnavailableError('unplugged', { dictionary: dict.name })
        return proceed(...args)
      })
      await rejects(dict.update({ a: 1, b: 2, c: 3, d: 4 }), AmbiguousWriteError)
      tap.heal()
      await shows(dict, { a: 1, b: 2 }, 'the earlier keys must remain changed')
    }),

    'a clear that fails halfway reports it, without commit()': lacks('commit', async world => {
      const tap = await world.tap()
      const dict = await world.openOn(tap)
      await dict.update({ a: 1, b: 2, c: 3 })
      let done = 0
      tap.intercept('depersist', (proceed, ...args) => {
        done += 1
        if (done === 2) throw new StoreUnavailableError('unplugged', { dictionary: dict.name })
        return proceed(...args)
      })
      await rejects(dict.clear(), AmbiguousWriteError)
      tap.heal()
      await dict.sync()
      assert.equal(dict.local.size, 2)
    }),
  },
}

/** From the next write on, the store can be written but not read. */
function cutOff(world: World, tap: FaultyBackend): void {
  const unavailable = () => Promise.reject(new StoreUnavailableError('unplugged', {}))
  const cut = () => tap.intercept([...world.path.check, ...world.path.load, 'lastUpdated'], unavailable)
  if (world.supports('commit')) {
    tap.intercept('commit', async (proceed, ...args) => {
      const answer = (await proceed(...args)) as object
      cut()
      return { ...answer, catchUp: { type: 'tooOld', diverged: false } }
    })
    return
  }
  tap.intercept('persist', async (proceed, ...args) => {
    await proceed(...args)
    cut()
  })
}

function rootOf(error: Error): unknown {
  return error.cause instanceof AmbiguousWriteError ? error.cause.cause : error.cause
}
