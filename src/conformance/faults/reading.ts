import assert from 'node:assert/strict'
import { StoreUnavailableError } from '../../errors/errors.js'
import { take } from '../dictionary/watching.js'
import { failure, rejects } from '../expect.js'
import type { FaultyBackend } from '../faulty-backend.js'
import { range } from '../samples.js'
import { checkedModes, everyMode, needs, type Topic } from '../suite.js'

export const faultyReads: Topic = {
  title: 'faults while reading',
  modes: everyMode,
  tests: {
    'sync() rejects with StoreUnavailableError and its cause, then recovers': async world => {
      const [tap, other] = [await world.tap(), await world.open()]
      const dict = await world.openOn(tap)
      await dict.set('a', 1)
      const cause = new Error('unplugged')
      tap.failBefore(world.path.check, cause)
      await other.set('a', 2)
      const error = await rejects(dict.sync(), StoreUnavailableError)
      assert.equal(error.cause, cause)
      assert.equal(error.dictionary, dict.name)
      assert.equal(typeof dict.local.get('a'), 'number', 'local still serves memory')
      tap.heal()
      await dict.sync()
      assert.equal(dict.local.get('a'), 2)
    },

    'a synchronous error of the backend is reported in the same way': async world => {
      const tap = await world.tap()
      const dict = await world.openOn(tap)
      const cause = new Error('unplugged')
      tap.intercept(world.path.check, () => {
        throw cause
      })
      const error = await rejects(dict.sync(), StoreUnavailableError)
      assert.equal(error.cause, cause)
    },

    'a StoreUnavailableError of the backend passes unchanged': async world => {
      const tap = await world.tap()
      const dict = await world.openOn(tap)
      const own = new StoreUnavailableError('maintenance', { dictionary: dict.name })
      tap.failBefore(world.path.check, own)
      assert.equal(await failure(dict.sync()), own)
    },

    'a load that fails while catching up does not change memory': async world => {
      const [tap, other] = [await world.tap(), await world.open()]
      // A pushed change would need no load.
      tap.intercept('subscribe', () => () => {})
      const dict = await world.openOn(tap)
      await dict.set('a', 1)
      forgetful(tap, world.supports('changesSince'))
      tap.failBefore(world.path.load)
      await other.update({ a: 2, b: 2 })
      await rejects(dict.sync(), StoreUnavailableError)
      assert.deepEqual(new Map(dict.local), new Map([['a', 1]]))
      tap.heal()
      await dict.sync()
      assert.equal(dict.local.get('b'), 2)
    },

    'memory follows a store with another history and emits sync with reason diverged': needs(
      'changesSince',
      async world => {
        const [tap, other] = [await world.tap(), await world.open()]
        const dict = await world.openOn(tap)
        await dict.set('a', 1)
        const reasons: string[] = []
        dict.on('sync', ({ reason }) => reasons.push(reason))
        let answers = 0
        tap.intercept('changesSince', (proceed, ...args) => {
          answers += 1
          return answers === 1 ? { type: 'tooOld', diverged: true } : proceed(...args)
        })
        await dict.sync()
        assert.deepEqual(reasons, ['diverged'])
        await other.set('a', 2)
        await dict.sync()
        assert.equal(dict.local.get('a'), 2)
      },
    ),
  },
}

export const faultyLogs: Topic = {
  title: 'faults of the change log',
  // Live memory may already have it by a push.
  modes: mode => mode.live !== true,
  tests: {
    'everything is loaded if the change log does not reach back far enough': needs('changesSince', async world => {
      const [tap, other] = [await world.tap(), await world.open()]
      const dict = await world.openOn(tap)
      await dict.update({ a: 1, b: 1 })
      const watch = dict.watch()
      const reasons: string[] = []
      dict.on('sync', ({ reason }) => reasons.push(reason))
      forgetful(tap, true)
      await other.update({ a: 2, c: 2 })
      await other.delete('b')
      await dict.sync()
      assert.deepEqual(new Map(dict.local), new Map(Object.entries({ a: 2, c: 2 })))
      assert.deepEqual(reasons, ['loaded'])
      const seen = [await watch.next(), await watch.next(), await watch.next()].map(({ value }) => value.key).sort()
      assert.deepEqual(seen, ['a', 'b', 'c'], 'watchers must get the difference')
    }),

    'changes with a gap are not applied': needs('changesSince', async world => {
      const [tap, other] = [await world.tap(), await world.open()]
      const dict = await world.openOn(tap)
      await dict.set('a', 0)
      tap.intercept('changesSince', async (proceed, ...args) => {
        const answer = (await proceed(...args)) as { type: string; changes?: unknown[] }
        return answer.changes && answer.changes.length > 2
          ? { ...answer, changes: answer.changes.filter((_, index) => index !== 1) }
          : answer
      })
      for (const n of range(4)) await other.set(`key ${n}`, n)
      await dict.sync()
      assert.equal(dict.local.size, 5)
      assert.ok(Object.is(dict.version, other.version))
    }),
  },
}

export const faultyChecks: Topic = {
  title: 'faults before a checked read',
  modes: checkedModes,
  tests: {
    'reads reject with StoreUnavailableError, then recover': async world => {
      const tap = await world.tap()
      const dict = await world.openOn(tap)
      await dict.set('a', 1)
      tap.failBefore(world.path.check)
      const reads = [
        () => dict.get('a'),
        () => dict.getOrThrow('a'),
        () => dict.has('a'),
        () => dict.size(),
        () => dict.keys(),
        () => dict.snapshot(),
      ]
      for (const read of reads) await rejects(read(), StoreUnavailableError)
      assert.equal(dict.local.get('a'), 1)
      tap.heal()
      for (const read of reads) await read()
      assert.equal(await dict.get('a'), 1)
    },
  },
}

export const alteredEntries: Topic = {
  title: 'entries changed without a new version',
  tests: {
    'resyncEvery finds them, emits sync with reason diverged, and notifies watchers': async world => {
      const tap = await world.tap()
      const dict = await world.openOn(tap, { autosync: false, resyncEvery: 10 })
      await dict.update({ a: 1, b: 2, c: 3 })
      const watch = dict.watch()
      const synced = new Promise<string>(resolve => dict.on('sync', ({ reason }) => resolve(reason)))
      tap.intercept(world.path.load, async (proceed, ...args) => altered((await proceed(...args)) as never))
      assert.equal(await world.within(synced, 'the comparison must find it'), 'diverged')
      assert.deepEqual(new Map(dict.local), new Map(Object.entries({ a: 1, c: 1 })))
      const seen = (await take(world, watch, 2)).map(({ key, value, previous }) => [key, value, previous]).sort()
      assert.deepEqual(seen, [
        ['b', undefined, 2],
        ['c', 1, 3],
      ])
    },

    'a failed comparison emits stale and is retried': async world => {
      const tap = await world.tap()
      const dict = await world.openOn(tap, { autosync: false, resyncEvery: 10 })
      const cause = new Error('unplugged')
      const emitted = new Promise<{ cause: unknown }>(resolve => dict.on('stale', resolve))
      tap.failBefore(world.path.load, cause)
      const stale = await world.within(emitted, 'stale must be emitted')
      assert.equal((stale.cause as Error).cause, cause)
      tap.heal()
      await world.within(tap.called(world.path.load[0] ?? 'durables'), 'the comparison must be retried')
    },
  },
}

/** The loaded entries without `b`, and with `c` equal to `a`. */
function altered(answer: Iterable<readonly [string, unknown]> | { entries: Iterable<readonly [string, unknown]> }) {
  const entries = new Map('entries' in answer && typeof answer.entries !== 'function' ? answer.entries : (answer as []))
  entries.delete('b')
  entries.set('c', entries.get('a'))
  return 'version' in answer ? { ...answer, entries } : entries
}

/** From now on, the backend always reports that its change log does not reach back. */
export function forgetful(tap: FaultyBackend, hasLog: boolean): void {
  if (!hasLog) return
  tap.intercept('changesSince', async (proceed, ...args) => {
    const answer = (await proceed(...args)) as { type: string; changes?: unknown[] }
    return answer.changes?.length === 0 ? answer : { type: 'tooOld', diverged: false }
  })
}
