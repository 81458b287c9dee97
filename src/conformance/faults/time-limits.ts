import assert from 'node:assert/strict'
import { AmbiguousWriteError, DurableDictError, StoreUnavailableError } from '../../errors/errors.js'
import { failure, rejects } from '../expect.js'
import type { FaultyBackend, Method } from '../faulty-backend.js'
import { needs, type Topic } from '../suite.js'

/** Makes each call of the methods take this long. */
function slow(tap: FaultyBackend, methods: readonly Method[], ms: number): void {
  tap.delayBefore(methods, () => new Promise(resolve => setTimeout(resolve, ms)))
}

/** In one mode only: the limits are the same in all modes. */
export const timeLimits: Topic = {
  title: 'timeout',
  waits: true,
  tests: {
    'timeout limits a read that waits for another check': async world => {
      const limit = 2 * (await world.timeLimit())
      const tap = await world.tap()
      const dict = await world.openOn(tap, { timeout: limit })
      tap.hang(world.path.check)
      const first = failure(dict.sync())
      await tap.called(world.path.check[0] as Method)
      const second = dict.sync()
      await world.inTime(second, 1.6 * limit)
      await rejects(second, StoreUnavailableError)
      await first
    },

    'timeout limits a write that waits behind another one, which then has no effect': async world => {
      const limit = 2 * (await world.timeLimit())
      const tap = await world.tap()
      const dict = await world.openOn(tap, { timeout: limit })
      tap.hang(world.path.write)
      const sent = Promise.race(world.path.write.map(method => tap.called(method)))
      const first = failure(dict.set('a', 1))
      await sent
      const second = dict.set('b', 2)
      await world.inTime(second, 1.6 * limit)
      await rejects(second, StoreUnavailableError, 'b')
      assert.ok((await first) instanceof AmbiguousWriteError)
      tap.heal()
      await dict.sync()
      assert.equal(dict.local.has('b'), false)
    },

    'timeout limits a slow write that is followed by a hanging full load': needs(['commit', 'load'], async world => {
      const limit = 2 * (await world.timeLimit())
      const tap = await world.tap()
      const dict = await world.openOn(tap, { timeout: limit })
      tap.intercept('commit', async (proceed, ...args) => {
        // The store may need a part of this time.
        const slow = new Promise(resolve => setTimeout(resolve, 0.7 * limit))
        const [answer] = await Promise.all([proceed(...args), slow])
        return { ...(answer as object), catchUp: { type: 'tooOld', diverged: false } }
      })
      tap.hang(world.path.load)
      const write = dict.set('a', 1)
      await world.inTime(write, 1.5 * limit)
      const error = await rejects(write, AmbiguousWriteError)
      assert.match(error.message, /took effect/)
    }),

    'timeout limits a transaction that is retried repeatedly': needs('commit', async world => {
      const limit = 2 * (await world.timeLimit())
      const [tap, other] = [await world.tap(), await world.open()]
      const dict = await world.openOn(tap, { timeout: limit })
      let runs = 0
      // During the commit, whose time counts; the time of the transaction's function does not.
      tap.delayBefore('commit', async () => {
        runs += 1
        await Promise.all([other.set('n', runs), new Promise(resolve => setTimeout(resolve, limit / 4))])
      })
      const transaction = dict.transact(tx => tx.set('n', tx.get('n') ?? 0), { retries: 1_000_000 })
      await world.inTime(transaction, 1.9 * limit)
      const error = await failure(transaction)
      assert.ok(error instanceof DurableDictError, String(error))
      assert.ok(runs < 100)
    }),

    'timeout limits a transaction whose store does not answer': needs('commit', async world => {
      const limit = 2 * (await world.timeLimit())
      const tap = await world.tap()
      const dict = await world.openOn(tap, { timeout: limit })
      for (const methods of [world.path.check, ['commit'] as const]) {
        tap.heal()
        await dict.sync()
        tap.hang(methods)
        const transaction = dict.transact(tx => tx.set('a', 1))
        await world.inTime(transaction, 1.6 * limit)
        await failure(transaction)
      }
    }),

    'timeout does not count the time of the transaction’s function': needs('commit', async world => {
      const limit = 2 * (await world.timeLimit())
      const dict = await world.open({ timeout: limit })
      await dict.transact(async tx => {
        await new Promise(resolve => setTimeout(resolve, 1.5 * limit))
        tx.set('a', 1)
      })
      assert.equal(await dict.get('a'), 1)
    }),

    'timeout limits open() if each of its steps is slow': needs('load', async world => {
      const limit = 2 * (await world.timeLimit())
      const tap = await world.tap()
      slow(tap, ['registerMaxStaleness', 'register', 'subscribe', ...world.path.check, 'load'], 0.7 * limit)
      const bound = world.supports('registerMaxStaleness') ? { maxStaleness: 60_000 } : {}
      const opening = world.openOn(tap, { timeout: limit, live: true, ...bound })
      await world.inTime(opening, 1.7 * limit)
      const error = await rejects(opening, StoreUnavailableError)
      assert.doesNotMatch(error.message, /local/)
      assert.equal(tap.count('close'), 1)
    }),

    'timeout limits open() if closing hangs after a failure': async world => {
      const limit = 2 * (await world.timeLimit())
      const tap = await world.tap()
      tap.failBefore(world.path.load)
      tap.hangAfter('close')
      const opening = world.openOn(tap, { timeout: limit })
      await world.inTime(opening, 1.6 * limit)
      await failure(opening)
    },

    'timeout limits close() if a write and then the backend hang': async world => {
      const limit = 2 * (await world.timeLimit())
      const tap = await world.tap()
      const dict = await world.openOn(tap, { timeout: limit })
      const sent = Promise.race(world.path.write.map(method => tap.called(method)))
      tap.hang(world.path.write)
      const writing = failure(dict.set('a', 1))
      await sent
      tap.hangAfter('close')
      await world.inTime(dict.close(), 1.7 * limit)
      assert.ok((await writing) instanceof DurableDictError)
      world.forget(dict)
    },
  },
}
