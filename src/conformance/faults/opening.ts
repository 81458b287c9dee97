import assert from 'node:assert/strict'
import { DurableDict } from '../../dictionary/durable-dict.js'
import { StoreUnavailableError } from '../../errors/errors.js'
import { failure, rejects, rejectsMisuse } from '../expect.js'
import { everyMode, needs, type Topic } from '../suite.js'

export const faultyOpening: Topic = {
  title: 'faults while opening and closing',
  modes: everyMode,
  tests: {
    'open() rejects if it cannot load, and leaves nothing open': async world => {
      for (const method of world.path.load) {
        const tap = await world.tap()
        const cause = new Error('unplugged')
        tap.failBefore(method, cause)
        const error = await rejects(world.openOn(tap), StoreUnavailableError)
        assert.equal(error.cause, cause)
        assert.equal(tap.count('close'), 1)
      }
    },

    'open() rejects with TypeError for invalid options and closes the backend': async world => {
      const wrong = [
        { autosync: 1 },
        { live: 'yes' },
        { timeout: 0 },
        { timeout: Number.NaN },
        { timeout: 2 ** 31 },
        { resyncEvery: -1 },
        { signal: {} },
        { autoSync: true },
      ]
      for (const options of wrong) {
        const tap = await world.tap()
        await rejectsMisuse(world.openOn(tap, options as never))
        assert.equal(tap.count('close'), 1)
      }
    },

    'open() rejects with TypeError for an invalid backend': async world => {
      for (const none of [undefined, null, 1, {}, { persist() {} }]) {
        await rejectsMisuse(DurableDict.open(none as never))
      }
      const tap = await world.tap()
      const claims = { ...tap.backend, supports: { ...tap.backend.supports, commit: true }, commit: undefined }
      await rejectsMisuse(DurableDict.open(claims as never))
      assert.equal(tap.count('close'), 1)
    },

    'open() rejects with its own fault even if close() fails too': async world => {
      const tap = await world.tap()
      const cause = new Error('unplugged')
      tap.failBefore(world.path.load, cause)
      tap.failAfter('close')
      const error = await rejects(world.openOn(tap), StoreUnavailableError)
      assert.equal(error.cause, cause)
    },

    'close() rejects if the backend fails to close, and the dictionary is closed': async world => {
      const tap = await world.tap()
      const dict = await world.openOn(tap)
      let closed = 0
      dict.on('close', () => {
        closed += 1
      })
      const watch = dict.watch()
      const cause = new Error('unplugged')
      tap.failAfter('close', cause)
      const error = (await failure(dict.close())) as Error
      assert.ok(error === cause || error.cause === cause)
      assert.equal(closed, 1)
      assert.equal((await watch.next()).done, true)
      world.forget(dict)
    },
  },
}

export const faultySubscribing: Topic = {
  title: 'faults while subscribing',
  modes: mode => mode.live === true && mode.autosync === false,
  tests: {
    'open() rejects if it cannot subscribe, and leaves nothing open': needs('subscribe', async world => {
      const tap = await world.tap()
      const cause = new Error('unplugged')
      tap.failBefore('subscribe', cause)
      const error = await rejects(world.openOn(tap), StoreUnavailableError)
      assert.equal(error.cause, cause)
      assert.equal(tap.count('close'), 1)
    }),

    'a subscription that starts after the time limit is ended': needs('subscribe', async world => {
      const limit = await world.timeLimit()
      const tap = await world.tap()
      let ended = () => {}
      const unsubscribed = new Promise<void>(resolve => {
        ended = resolve
      })
      let release = () => {}
      const released = new Promise<void>(resolve => {
        release = resolve
      })
      tap.intercept('subscribe', async (proceed, ...args) => {
        const unsubscribe = (await proceed(...args)) as () => unknown
        await released
        return async () => {
          await unsubscribe()
          ended()
        }
      })
      await rejects(world.openOn(tap, { timeout: limit }), StoreUnavailableError)
      assert.equal(tap.count('close'), 1)
      release()
      await world.within(unsubscribed, 'the subscription must be ended')
    }),

    'close() ends the subscription before it closes the backend': needs('subscribe', async world => {
      const tap = await world.tap()
      const order: string[] = []
      tap.intercept('subscribe', async (proceed, ...args) => {
        const unsubscribe = (await proceed(...args)) as () => unknown
        return async () => {
          await unsubscribe()
          order.push('unsubscribed')
        }
      })
      const dict = await world.openOn(tap)
      tap.intercept('close', proceed => {
        order.push('closed')
        return proceed()
      })
      await dict.close()
      assert.deepEqual(order, ['unsubscribed', 'closed'])
    }),

    'close() completes even if the subscription cannot be ended': needs('subscribe', async world => {
      const limit = await world.timeLimit()
      const tap = await world.tap()
      tap.intercept('subscribe', async (proceed, ...args) => {
        const unsubscribe = (await proceed(...args)) as () => unknown
        return async () => {
          await unsubscribe()
          return new Promise(() => {})
        }
      })
      const dict = await world.openOn(tap, { timeout: limit })
      const watch = dict.watch()
      await world.within(
        dict.close().catch(() => {}),
        'close() must end',
      )
      assert.equal((await watch.next()).done, true)
      assert.equal(tap.count('close'), 1)
      world.forget(dict)
    }),
  },
}
