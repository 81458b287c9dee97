import assert from 'node:assert/strict'
import { ClosedError, DecodingError, InvalidKeyError } from '../../errors/errors.js'
import { rejects } from '../expect.js'
import { range } from '../samples.js'
import { everyMode, needs, type Topic } from '../suite.js'
import type { Dict, World } from '../world.js'

interface Seen {
  readonly key: string
  readonly value: unknown
  readonly previous: unknown
  readonly version: unknown
  readonly origin: 'local' | 'remote'
}

/** The next changes of a watcher. */
export async function take(world: World, watch: AsyncIterator<Seen>, count: number): Promise<Seen[]> {
  const seen: Seen[] = []
  while (seen.length < count) {
    const { done, value } = await world.within(watch.next(), `change ${seen.length + 1} of ${count}`)
    assert.ok(!done, 'the watcher ended early')
    seen.push(value)
  }
  return seen
}

const brief = ({ key, value, previous }: Seen) => [key, value, previous]

const ended = async (world: World, watch: AsyncIterator<unknown>) =>
  assert.equal((await world.within(watch.next(), 'the watcher must end')).done, true)

/** A dictionary that is not live gets the changes of others when it checks the store. */
const catchUp = (world: World, dict: Dict) => (world.mode.live ? Promise.resolve() : dict.sync())

export const watching: Topic = {
  title: 'watch()',
  modes: everyMode,
  tests: {
    'watch() yields own writes': async world => {
      const dict = await world.open()
      const watch = dict.watch()
      await dict.set('a', { n: 1 })
      const [first] = await take(world, watch, 1)
      assert.ok(Object.is(first?.version, dict.version))
      await dict.set('a', 2)
      await dict.delete('a')
      const rest = await take(world, watch, 2)
      assert.deepEqual([first as Seen, ...rest].map(brief), [
        ['a', { n: 1 }, undefined],
        ['a', 2, { n: 1 }],
        ['a', undefined, 2],
      ])
      for (const { origin } of [first as Seen, ...rest]) assert.equal(origin, 'local')
    },

    'watch() yields writes by others': async world => {
      const [dict, other] = [await world.open(), await world.open()]
      await dict.set('a', 1)
      const watch = dict.watch()
      await other.set('a', 2)
      await catchUp(world, dict)
      const [change] = await take(world, watch, 1)
      assert.deepEqual(brief(change as Seen), ['a', 2, 1])
      assert.equal(change?.origin, 'remote')
      assert.ok(Object.is(change?.version, other.version))
    },

    'changes are chained and never repeated': async world => {
      const [dict, other] = [await world.open(), await world.open()]
      const watch = dict.watch({ key: 'a' })
      for (const n of range(10)) {
        await other.set('a', n)
        if (n % 3 === 0) await catchUp(world, dict)
      }
      await catchUp(world, dict)
      let last: unknown
      while (last !== 9) {
        const [change] = await take(world, watch, 1)
        assert.equal(change?.previous, last)
        assert.notEqual(change?.value, last)
        last = change?.value
      }
    },

    'watch() yields every change in commit order with a change log': needs('changesSince', async world => {
      const [dict, other] = [await world.open(), await world.open()]
      await other.update(range(50).map(n => [`key ${n}`, n] as const))
      await dict.sync()
      const watch = dict.watch()
      for (const n of range(5)) await other.set(`key ${n % 2}`, `new ${n}`)
      await catchUp(world, dict)
      const seen = await take(world, watch, 5)
      assert.deepEqual(
        seen.map(({ value }) => value),
        range(5).map(n => `new ${n}`),
      )
      assert.equal(new Set(seen.map(({ version }) => version)).size, 5)
    }),

    'clear() is a change of every key': async world => {
      const dict = await world.open()
      await dict.update({ a: 1, b: 2 })
      const watch = dict.watch()
      await dict.clear()
      const seen = (await take(world, watch, 2)).map(brief).sort()
      assert.deepEqual(seen, [
        ['a', undefined, 1],
        ['b', undefined, 2],
      ])
    },

    'a write without effect is not a change': async world => {
      const dict = await world.open()
      await dict.set('a', 1)
      const watch = dict.watch()
      await dict.setDefault('a', 2)
      await dict.pop('b', 0)
      await dict.update({})
      await dict.set('c', 3)
      assert.deepEqual((await take(world, watch, 1)).map(brief), [['c', 3, undefined]])
    },

    'watch() can be limited to one key': async world => {
      const dict = await world.open()
      const watch = dict.watch({ key: 'b' })
      await dict.update({ a: 1, b: 2, c: 3 })
      await dict.set('a', 4)
      await dict.set('b', 5)
      assert.deepEqual((await take(world, watch, 2)).map(brief), [
        ['b', 2, undefined],
        ['b', 5, 2],
      ])
    },

    'watchers are independent of each other': async world => {
      const dict = await world.open()
      const [early, first, second] = [dict.watch(), dict.watch(), dict.watch()]
      await dict.set('a', 1)
      await early.return?.()
      await dict.set('b', 2)
      for (const watch of [first, second]) {
        assert.deepEqual(
          (await take(world, watch, 2)).map(({ key }) => key),
          ['a', 'b'],
        )
      }
      await ended(world, early)
      const consumer = async () => {
        for await (const _ of second) throw new Error('the consumer failed')
      }
      const consuming = consumer().catch(() => 'failed')
      await dict.set('c', 3)
      assert.equal(await consuming, 'failed')
      assert.deepEqual(
        (await take(world, first, 1)).map(({ key }) => key),
        ['c'],
      )
    },

    'aborting the signal ends watch(), before or during a wait': async world => {
      const dict = await world.open()
      const controller = new AbortController()
      const watch = dict.watch({ signal: controller.signal })
      const waiting = ended(world, watch)
      controller.abort()
      await waiting
      await ended(world, dict.watch({ signal: AbortSignal.abort() }))
      await dict.set('a', 1)
      await ended(world, watch)
    },

    'close() ends watch() after the waiting changes': async world => {
      const dict = await world.open()
      const [behind, waiting] = [dict.watch({ key: 'a' }), dict.watch({ key: 'b' })]
      const end = ended(world, waiting)
      await dict.set('a', 1)
      await dict.close()
      await end
      assert.deepEqual((await take(world, behind, 1)).map(brief), [['a', 1, undefined]])
      await ended(world, behind)
      await rejects(dict.watch().next(), ClosedError)
    },

    'reading an undecodable value of a change throws DecodingError': async world => {
      const [dict, raw] = [await world.open(), await world.backend()]
      const watch = dict.watch()
      await raw.persist('a', 'no encoding makes this')
      await catchUp(world, dict)
      const [broken] = await take(world, watch, 1)
      assert.equal(broken?.key, 'a')
      assert.throws(() => broken?.value, DecodingError)
      await dict.set('a', 1)
      const [healed] = await take(world, watch, 1)
      assert.equal(healed?.value, 1)
      assert.throws(() => healed?.previous, DecodingError)
    },

    'misuse throws immediately': async world => {
      const dict = await world.open()
      assert.throws(() => dict.watch({ keys: 'a' } as never), TypeError)
      assert.throws(() => dict.watch({ key: '' }), InvalidKeyError)
    },
  },
}
