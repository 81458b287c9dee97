import assert from 'node:assert/strict'
import { everyMode, lacks, needs, type Topic } from '../suite.js'

export const events: Topic = {
  title: 'events',
  modes: everyMode,
  tests: {
    'change reports the same changes as watch()': async world => {
      const dict = await world.open()
      const seen: unknown[] = []
      const listener = ({ key, value, previous, origin }: Record<string, unknown>) =>
        void seen.push([key, value, previous, origin])
      dict.on('change', listener as never)
      await dict.update({ a: 1 })
      await dict.delete('a')
      assert.deepEqual(seen, [
        ['a', 1, undefined, 'local'],
        ['a', undefined, 1, 'local'],
      ])
      dict.off('change', listener as never)
      await dict.set('a', 2)
      assert.equal(seen.length, 2)
    },

    'sync reports each new state of memory': async world => {
      const dict = await world.open()
      const before = dict.version
      const seen: { reason: string; version: unknown; previous: unknown }[] = []
      dict.on('sync', event => seen.push(event))
      await dict.sync()
      assert.equal(seen.length, 0, 'nothing changed')
      await dict.set('a', 1)
      assert.equal(seen.length, 1)
      assert.ok(Object.is(seen[0]?.previous, before))
      assert.ok(Object.is(seen[0]?.version, dict.version))
    },

    'memory follows by changes alone with a change log': needs('changesSince', async world => {
      const tap = await world.tap()
      const [dict, other] = [await world.openOn(tap), await world.open()]
      const reasons: string[] = []
      dict.on('sync', ({ reason }) => reasons.push(reason))
      await other.set('a', 1)
      await world.see(dict, () => dict.local.has('a'))
      await other.set('a', 2)
      await dict.sync()
      assert.deepEqual(new Set(reasons), new Set(['changes']))
      assert.equal(tap.count(...world.path.load), 1, 'everything must be loaded only once, at open')
    }),

    'every change costs a full load without a change log': lacks('changesSince', async world => {
      const tap = await world.tap()
      const [dict, other] = [await world.openOn(tap), await world.open()]
      const reasons: string[] = []
      dict.on('sync', ({ reason }) => reasons.push(reason))
      const before = tap.count(...world.path.load)
      await other.set('a', 1)
      await world.see(dict, () => dict.local.has('a'))
      // A pushed change needs no log.
      if (world.mode.live && world.supports('subscribe')) return assert.deepEqual(reasons, ['changes'])
      assert.deepEqual(reasons, ['loaded'])
      const loads = tap.count(...world.path.load)
      assert.equal(loads, before + 1)
      await dict.sync()
      assert.equal(tap.count(...world.path.load), loads, 'an unchanged state must not be loaded')
    }),

    'close is emitted once': async world => {
      const dict = await world.open()
      let closed = 0
      dict.on('close', () => {
        closed += 1
      })
      await Promise.all([dict.close(), dict.close()])
      await dict.close()
      assert.equal(closed, 1)
    },

    'an unknown event is a TypeError': async world => {
      const dict = await world.open()
      assert.throws(() => dict.on('changed' as never, () => {}), TypeError)
      assert.throws(() => dict.off('changed' as never, () => {}), TypeError)
      assert.throws(() => dict.on('change', undefined as never), TypeError)
    },

    'listeners may use the dictionary and remove themselves': async world => {
      const dict = await world.open()
      const seen: unknown[] = []
      const once = ({ key }: { key: string }) => {
        dict.off('change', once)
        seen.push(key, dict.local.get(key))
        void dict.set('b', 2)
      }
      dict.on('change', once)
      await dict.set('a', 1)
      await world.until(dict, () => dict.local.has('b'))
      assert.deepEqual(seen, ['a', 1])
    },
  },
}
