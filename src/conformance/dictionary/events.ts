import assert from 'node:assert/strict'
import { everyMode, lacks, needs, type Topic } from '../suite.js'

export const events: Topic = {
  title: 'events',
  modes: everyMode,
  tests: {
    'change tells what watch() tells': async world => {
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

    'sync tells of each new state of memory': async world => {
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

    'with a change log, memory comes to it by the changes': needs('changesSince', async world => {
      const tap = await world.tap()
      const [dict, other] = [await world.openOn(tap), await world.open()]
      const reasons: string[] = []
      dict.on('sync', ({ reason }) => reasons.push(reason))
      await other.set('a', 1)
      await world.see(dict, () => dict.local.has('a'))
      await other.set('a', 2)
      await dict.sync()
      assert.deepEqual(new Set(reasons), new Set(['changes']))
      assert.equal(tap.count(...world.path.load), 1, 'everything was loaded once, at open')
    }),

    'without a change log, every change costs a full load': lacks('changesSince', async world => {
      const tap = await world.tap()
      const [dict, other] = [await world.openOn(tap), await world.open()]
      const reasons: string[] = []
      dict.on('sync', ({ reason }) => reasons.push(reason))
      const before = tap.count(...world.path.load)
      await other.set('a', 1)
      await world.see(dict, () => dict.local.has('a'))
      // What is pushed with its change needs no log.
      if (world.mode.live && world.supports('subscribe')) return assert.deepEqual(reasons, ['changes'])
      assert.deepEqual(reasons, ['loaded'])
      const loads = tap.count(...world.path.load)
      assert.equal(loads, before + 1)
      await dict.sync()
      assert.equal(tap.count(...world.path.load), loads, 'what did not change is not loaded')
    }),

    'close is told once': async world => {
      const dict = await world.open()
      let closed = 0
      dict.on('close', () => {
        closed += 1
      })
      await Promise.all([dict.close(), dict.close()])
      await dict.close()
      assert.equal(closed, 1)
    },

    'there are no others': async world => {
      const dict = await world.open()
      assert.throws(() => dict.on('changed' as never, () => {}), TypeError)
      assert.throws(() => dict.off('changed' as never, () => {}), TypeError)
      assert.throws(() => dict.on('change', undefined as never), TypeError)
    },

    'listeners may use the dictionary, and remove themselves': async world => {
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
