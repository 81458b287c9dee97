import assert from 'node:assert/strict'
import { AmbiguousWriteError, StoreUnavailableError } from '../../errors/errors.js'
import { take } from '../dictionary/watching.js'
import { failure, rejects } from '../expect.js'
import { range } from '../samples.js'
import type { Topic } from '../suite.js'
import { forgetful } from './reading.js'
import { shows } from './writing.js'

/** In one mode only, because these tests are slow and the time limits are the same in all modes. */
export const hangingStores: Topic = {
  title: 'a store that does not answer',
  waits: true,
  tests: {
    'a check without an answer times out': async world => {
      const limit = await world.timeLimit()
      const tap = await world.tap()
      const dict = await world.openOn(tap, { timeout: limit })
      await dict.set('a', 1)
      tap.hang(world.path.check)
      const calls = Promise.all(range(5).map(() => rejects(dict.sync(), StoreUnavailableError)))
      await world.inTime(calls, 3 * limit)
      for (const error of await calls) assert.match(String(error.cause), new RegExp(String(limit)))
      assert.equal(dict.local.get('a'), 1)
      tap.heal()
      await dict.sync()
    },

    'a load that hangs while catching up times out': async world => {
      const limit = await world.timeLimit()
      const [tap, other] = [await world.tap(), await world.open()]
      const dict = await world.openOn(tap, { timeout: limit })
      await dict.sync()
      forgetful(tap, world.supports('changesSince'))
      tap.hang(world.path.load)
      await other.set('a', 1)
      await rejects(dict.sync(), StoreUnavailableError)
      tap.heal()
      await dict.sync()
      assert.equal(dict.local.get('a'), 1)
    },

    'a read that timed out does not affect later reads': async world => {
      const limit = await world.timeLimit()
      const [tap, other] = [await world.tap(), await world.open()]
      const dict = await world.openOn(tap, { timeout: limit })
      tap.hang(world.path.check)
      await rejects(dict.get('a'), StoreUnavailableError)
      tap.heal()
      await other.set('a', 1)
      // If a check is not linearizable by itself.
      if (!world.supports('linearizable')) await dict.sync()
      assert.equal(await dict.get('a'), 1)
    },

    'a write without an answer times out, and later writes work': async world => {
      const limit = await world.timeLimit()
      const tap = await world.tap()
      const dict = await world.openOn(tap, { timeout: limit })
      tap.hang(world.path.write)
      const write = rejects(dict.set('a', 1), AmbiguousWriteError)
      await world.inTime(write, 3 * limit)
      await write
      tap.heal()
      await dict.set('b', 2)
      await shows(dict, { b: 2 }, 'the next write must not wait')
    },

    'a write whose answer was lost is visible and yielded once by watch()': async world => {
      const limit = await world.timeLimit()
      const [tap, other] = [await world.tap(), await world.open()]
      const dict = await world.openOn(tap, { timeout: limit })
      const watch = dict.watch()
      tap.hangAfter(world.path.write)
      await rejects(dict.set('a', 1), AmbiguousWriteError)
      tap.heal()
      await dict.sync()
      assert.equal(dict.local.get('a'), 1)
      await other.set('b', 2)
      await dict.sync()
      const seen = await take(world, watch, 2)
      assert.deepEqual(
        seen.map(({ key, value }) => [key, value]),
        [
          ['a', 1],
          ['b', 2],
        ],
      )
    },

    'close() waits for a hanging write at most for the timeout': async world => {
      const limit = await world.timeLimit()
      const tap = await world.tap()
      const dict = await world.openOn(tap, { timeout: limit })
      const sent = Promise.race(world.path.write.map(method => tap.called(method)))
      tap.hang(world.path.write)
      let closed: unknown
      // What the write has left of the time may be too short for the backend of a slow store.
      tap.intercept('close', proceed => {
        closed = proceed()
      })
      const writing = failure(dict.set('a', 1))
      await sent
      await world.within(dict.close(), 'close() must end')
      assert.ok((await writing) instanceof AmbiguousWriteError)
      await closed
    },

    'open() times out on a store that does not answer': async world => {
      const limit = await world.timeLimit()
      const tap = await world.tap()
      tap.hang(world.path.load)
      await rejects(world.openOn(tap, { timeout: limit }), StoreUnavailableError)
      assert.equal(tap.count('close'), 1)
    },

    'close() times out on a backend that hangs': async world => {
      const limit = await world.timeLimit()
      const tap = await world.tap()
      const dict = await world.openOn(tap, { timeout: limit })
      tap.hangAfter('close')
      await world.within(
        dict.close().catch(() => {}),
        'close() must end',
      )
      world.forget(dict)
    },
  },
}
