import assert from 'node:assert/strict'
import { ClosedError, UnsupportedError } from '../../errors/errors.js'
import { failure, rejects } from '../expect.js'
import { checkedModes, everyMode, needs, type Topic } from '../suite.js'
import type { Dict } from '../world.js'

const CALLS: ((dict: Dict) => Promise<unknown>)[] = [
  dict => dict.get('a'),
  dict => dict.getOrThrow('a'),
  dict => dict.has('a'),
  dict => dict.size(),
  dict => dict.keys(),
  dict => dict.values(),
  dict => dict.entries(),
  dict => dict.snapshot(),
  dict => dict[Symbol.asyncIterator]().next(),
  dict => dict.set('a', 1),
  dict => dict.delete('a'),
  dict => dict.clear(),
  dict => dict.update({ a: 1 }),
  dict => dict.update({}),
  dict => dict.pop('a'),
  dict => dict.pop('a', 1),
  dict => dict.setDefault('a', 1),
  dict => dict.transact(() => {}),
  dict => dict.sync(),
  dict => dict.reencode(),
  dict => dict.watch().next(),
]

export const closing: Topic = {
  title: 'close()',
  modes: everyMode,
  tests: {
    'every call after close() rejects with ClosedError': async world => {
      const dict = await world.open()
      await dict.set('a', 1)
      await dict.close()
      for (const call of CALLS) {
        const error = await rejects(call(dict), ClosedError)
        assert.equal(error.dictionary, dict.name)
      }
    },

    'memory stays readable after close()': async world => {
      const dict = await world.open({ defaults: { b: 2 } })
      await dict.set('a', 1)
      const { version } = dict
      await dict.close()
      assert.deepEqual([dict.local.get('a'), dict.local.get('b'), dict.local.size], [1, 2, 1])
      assert.ok(Object.is(dict.version, version))
    },

    'close() closes the backend once, however often it is called': async world => {
      const tap = await world.tap()
      const dict = await world.openOn(tap)
      await Promise.all([dict.close(), dict.close(), dict[Symbol.asyncDispose]()])
      await dict.close()
      assert.equal(tap.count('close'), 1)
    },

    'other dictionaries on the same store keep working': async world => {
      const [dict, other] = [await world.open(), await world.open()]
      await dict.set('a', 1)
      await dict.close()
      await other.set('b', 2)
      await other.sync()
      assert.equal(other.local.size, 2)
      const late = await world.open()
      assert.equal(late.local.size, 2)
    },

    'close() waits for a write that was sent': async world => {
      const tap = await world.tap()
      const [dict, other] = [await world.openOn(tap), await world.open()]
      let release = () => {}
      const released = new Promise<void>(resolve => {
        release = resolve
      })
      const method = world.supports('commit') ? 'commit' : 'persist'
      const sent = tap.called(method)
      tap.delayAfter(method, () => released)
      const writing = dict.set('a', 1)
      await sent
      const closing = dict.close()
      assert.equal(tap.count('close'), 0, 'the backend is still needed')
      release()
      await writing
      await closing
      await other.sync()
      assert.equal(other.local.get('a'), 1)
    },

    'a write that was not sent yet rejects and has no effect': async world => {
      const [tap, other] = [await world.tap(), await world.open()]
      const dict = await world.openOn(tap)
      const writing = failure(dict.set('a', 1))
      await dict.close()
      assert.ok((await writing) instanceof ClosedError)
      await other.sync()
      assert.equal(other.local.size, 0)
    },

    'close() ends all pending calls, and none follows it': async world => {
      const tap = await world.tap()
      const dict = await world.openOn(tap)
      await dict.set('a', 1)
      const calls = [...CALLS, ...CALLS].map(call => call(dict).catch(error => error))
      const closing = dict.close()
      const late = CALLS.map(call => call(dict).catch(error => error))
      for (const answer of await world.within(Promise.all(calls), 'calls must end')) {
        if (answer instanceof Error && !(answer instanceof UnsupportedError)) assert.ok(answer instanceof ClosedError)
      }
      for (const answer of await Promise.all(late)) assert.ok(answer instanceof ClosedError, String(answer))
      await closing
    },

    'close() inside a transaction ends it without a write': needs('commit', async world => {
      const [dict, other] = [await world.open(), await world.open()]
      const error = await failure(
        dict.transact(async tx => {
          tx.set('a', 1)
          await dict.close()
        }),
      )
      assert.ok(error instanceof ClosedError)
      await other.sync()
      assert.equal(other.local.size, 0)
    }),

    'aborting the signal closes the dictionary': async world => {
      const [tap, controller] = [await world.tap(), new AbortController()]
      const dict = await world.openOn(tap, { signal: controller.signal })
      const closed = new Promise<void>(resolve => dict.on('close', () => resolve()))
      controller.abort()
      await rejects(dict.get('a'), ClosedError)
      await world.within(closed, 'a signal must close it')
      assert.equal(tap.count('close'), 1)
    },

    'open() rejects with the reason of a signal that is aborted before or during the call': async world => {
      const reason = new Error('no longer wanted')
      const early = await world.tap()
      assert.equal(await failure(world.openOn(early, { signal: AbortSignal.abort(reason) })), reason)
      const [tap, controller] = [await world.tap(), new AbortController()]
      tap.hang(world.path.load)
      const asked = tap.called(world.path.load[0] ?? 'durables')
      const opening = failure(world.openOn(tap, { signal: controller.signal }))
      await asked
      controller.abort(reason)
      assert.equal(await world.within(opening, 'open() must end'), reason)
      for (const one of [early, tap]) assert.equal(one.count('close'), 1)
    },
  },
}

export const closingWhileReading: Topic = {
  title: 'close() while reads wait',
  modes: checkedModes,
  tests: {
    'waiting reads reject immediately, however long the store takes': async world => {
      const tap = await world.tap()
      const dict = await world.openOn(tap, { timeout: 2 * world.patience })
      tap.hang(world.path.check)
      const asked = tap.called(world.path.check[0] ?? 'lastUpdated')
      const waiting = [failure(dict.get('a')), failure(dict.sync())]
      await asked
      waiting.push(failure(dict.get('b')))
      await world.within(dict.close(), 'close() must end')
      for (const one of waiting) assert.ok((await one) instanceof ClosedError)
      tap.heal()
    },
  },
}
