import assert from 'node:assert/strict'
import { AmbiguousWriteError, DurableDictError, StoreUnavailableError } from '../../errors/errors.js'
import { failure, rejects } from '../expect.js'
import type { FaultyBackend, Method } from '../faulty-backend.js'
import { needs, type Topic } from '../suite.js'
import type { World } from '../world.js'

/** What a busy machine adds to a limit, in ms. */
const SLACK = 200

/** How long the work takes, in ms, whether it succeeds or not. */
async function durationOf(work: Promise<unknown>): Promise<number> {
  const before = performance.now()
  await work.catch(() => {})
  return performance.now() - before
}

/** Within `times` the timeout, rather than twice that or more. */
async function takes(world: World, work: Promise<unknown>, times: number): Promise<void> {
  const duration = await world.within(durationOf(work), 'the call must end')
  const limit = times * world.short + SLACK * (world.short / 250)
  assert.ok(duration <= limit, `it must take ${limit} ms at most; it took ${Math.round(duration)} ms`)
}

/** Each call of the methods takes this long. */
function slow(tap: FaultyBackend, methods: readonly Method[], ms: number): void {
  tap.delayBefore(methods, () => new Promise(resolve => setTimeout(resolve, ms)))
}

/** In one mode: the limits are the same in all of them. */
export const timeLimits: Topic = {
  title: 'timeout bounds a call as a whole',
  tests: {
    'of a read that waits behind another check': async world => {
      const tap = await world.tap()
      const dict = await world.openOn(tap, { timeout: world.short })
      tap.hang(world.path.check)
      const first = failure(dict.sync())
      await tap.called(world.path.check[0] as Method)
      const second = dict.sync()
      await takes(world, second, 1.3)
      await rejects(second, StoreUnavailableError)
      await first
    },

    'of a write that waits behind another one, and surely did not take effect then': async world => {
      const tap = await world.tap()
      const dict = await world.openOn(tap, { timeout: world.short })
      tap.hang(world.path.write)
      const sent = Promise.race(world.path.write.map(method => tap.called(method)))
      const first = failure(dict.set('a', 1))
      await sent
      const second = dict.set('b', 2)
      await takes(world, second, 1.3)
      await rejects(second, StoreUnavailableError, 'b')
      assert.ok((await first) instanceof AmbiguousWriteError)
      tap.heal()
      await dict.sync()
      assert.equal(dict.local.has('b'), false)
    },

    'of a write whose store answers slowly, and then not at all': async world => {
      const tap = await world.tap()
      const dict = await world.openOn(tap, { timeout: world.short })
      slow(tap, world.path.write, 0.6 * world.short)
      const sent = Promise.race(world.path.write.map(method => tap.called(method)))
      const first = failure(dict.set('a', 1).then(() => assert.fail('done')))
      await sent
      const second = dict.set('b', 2)
      tap.hang(world.path.load)
      await takes(world, second, 1.3)
      await first
    },

    'of a transaction that is run again and again': needs('commit', async world => {
      const [tap, other] = [await world.tap(), await world.open()]
      const dict = await world.openOn(tap, { timeout: world.short })
      let runs = 0
      slow(tap, ['commit'], world.short / 4)
      const transaction = dict.transact(
        async tx => {
          runs += 1
          await other.set('n', runs)
          tx.set('n', tx.get('n') ?? 0)
        },
        { retries: 1_000_000 },
      )
      await takes(world, transaction, 2)
      const error = await failure(transaction)
      assert.ok(error instanceof DurableDictError, String(error))
      assert.ok(runs < 100)
    }),

    'of a transaction whose store does not answer': needs('commit', async world => {
      const tap = await world.tap()
      const dict = await world.openOn(tap, { timeout: world.short })
      for (const methods of [world.path.check, ['commit'] as const]) {
        tap.heal()
        await dict.sync()
        tap.hang(methods)
        const transaction = dict.transact(tx => tx.set('a', 1))
        await takes(world, transaction, 1.3)
        await failure(transaction)
      }
    }),

    'except for what the function of a transaction takes': needs('commit', async world => {
      const dict = await world.open({ timeout: world.short })
      await dict.transact(async tx => {
        await new Promise(resolve => setTimeout(resolve, 1.5 * world.short))
        tx.set('a', 1)
      })
      assert.equal(await dict.get('a'), 1)
    }),

    'of open(), each of whose steps is slow': async world => {
      const tap = await world.tap()
      slow(tap, ['recordBound', 'subscribe', ...world.path.check, 'load', 'durables'], 0.7 * world.short)
      const bound = world.supports('recordBound') ? { maxStaleness: 60_000 } : {}
      const opening = world.openOn(tap, { timeout: world.short, live: true, ...bound })
      await takes(world, opening, 1.7)
      const error = await rejects(opening, StoreUnavailableError)
      assert.doesNotMatch(error.message, /local/)
      assert.equal(tap.count('close'), 1)
    },

    'of open(), where closing hangs after a failure': async world => {
      const tap = await world.tap()
      tap.failBefore(world.path.load)
      tap.hangAfter('close')
      const opening = world.openOn(tap, { timeout: world.short })
      await takes(world, opening, 1.3)
      await failure(opening)
    },

    'of close(), where a write and then the backend hang': async world => {
      const tap = await world.tap()
      const dict = await world.openOn(tap, { timeout: world.short })
      const sent = Promise.race(world.path.write.map(method => tap.called(method)))
      tap.hang(world.path.write)
      const writing = failure(dict.set('a', 1))
      await sent
      tap.hangAfter('close')
      await takes(world, dict.close(), 1.7)
      assert.ok((await writing) instanceof DurableDictError)
      world.forget(dict)
    },
  },
}
