import assert from 'node:assert/strict'
import { EncodingError, KeyError } from '../../errors/errors.js'
import { rejects, rejectsMisuse } from '../expect.js'
import { ODD_KEYS } from '../samples.js'
import { everyMode, type Topic } from '../suite.js'
import type { Dict, World } from '../world.js'

/** The dictionary, its memory, and another dictionary on the same store after catching up contain exactly these entries. */
async function holds(world: World, dict: Dict, expected: Record<string, unknown>): Promise<void> {
  const other = await world.open()
  for (const one of [dict.local, other.local, await dict.snapshot(), await other.snapshot()]) {
    assert.deepEqual(new Map(one), new Map(Object.entries(expected)))
  }
  await other.close()
}

/** A value that no encoding accepts. */
const unencodable = () => () => {}

export const writes: Topic = {
  title: 'writes',
  modes: everyMode,
  tests: {
    'set() inserts and replaces': async world => {
      const dict = await world.open()
      assert.equal(await dict.set('a', 1), undefined)
      await holds(world, dict, { a: 1 })
      await dict.set('a', { b: [2] })
      await dict.set('c', null)
      await holds(world, dict, { a: { b: [2] }, c: null })
    },

    'delete() removes the key and returns whether it was stored': async world => {
      const dict = await world.open()
      await dict.update({ a: null, b: 2 })
      assert.equal(await dict.delete('a'), true)
      assert.equal(await dict.delete('a'), false)
      await holds(world, dict, { b: 2 })
    },

    'clear() removes everything': async world => {
      const dict = await world.open()
      await dict.clear()
      await dict.update({ a: 1, b: 2 })
      await dict.clear()
      await holds(world, dict, {})
      await dict.set('c', 3)
      await holds(world, dict, { c: 3 })
    },

    'update() takes an object, a Map and any iterable of pairs': async world => {
      const dict = await world.open()
      await dict.update({ a: 1, b: 1 })
      await dict.update(new Map([['b', 2]]))
      await dict.update([
        ['c', 2],
        ['c', 3],
      ])
      await dict.update(
        (function* () {
          yield ['d', 4] as const
        })(),
      )
      await dict.update(Object.assign(Object.create(null), { e: 5 }))
      await dict.update({})
      await holds(world, dict, { a: 1, b: 2, c: 3, d: 4, e: 5 })
    },

    'update() takes the own members of an object, whatever their names': async world => {
      const dict = await world.open()
      const object = Object.fromEntries(ODD_KEYS.map((key, index) => [key, index]))
      assert.equal(Object.keys(object).length, ODD_KEYS.length)
      await dict.update(object)
      await holds(world, dict, object)
    },

    'update() writes nothing if one value cannot be encoded': async world => {
      const dict = await world.open()
      await dict.set('a', 1)
      const { version } = dict
      await rejects(dict.update({ a: 2, b: unencodable(), c: 3 }), EncodingError, 'b')
      await rejectsMisuse(dict.update({ a: 2, b: undefined, c: 3 }))
      await dict.sync()
      assert.ok(Object.is(dict.version, version))
      await holds(world, dict, { a: 1 })
    },

    'update() rejects with TypeError for an argument without pairs': async world => {
      const dict = await world.open()
      for (const wrong of [undefined, null, 1, 'ab', new Date(), Promise.resolve({}), [1], [['a']], [['a', 1, 2]]]) {
        await rejectsMisuse(dict.update(wrong as never))
      }
      await holds(world, dict, {})
    },

    'pop() removes the key and returns its value': async world => {
      const dict = await world.open()
      await dict.update({ a: 1, b: null })
      assert.equal(await dict.pop('a'), 1)
      assert.equal(await dict.pop('b', 'fallback'), null)
      await holds(world, dict, {})
    },

    'pop() of a missing key returns any fallback, else rejects with KeyError': async world => {
      const dict = await world.open()
      for (const fallback of [undefined, null, 0, '', false, 'x']) {
        assert.equal(await dict.pop('a', fallback), fallback)
      }
      await rejects(dict.pop('a'), KeyError, 'a')
    },

    'setDefault() inserts a missing key and returns the stored value': async world => {
      const dict = await world.open()
      assert.deepEqual(await dict.setDefault('a', [1]), [1])
      const { version } = dict
      assert.deepEqual(await dict.setDefault('a', [2]), [1])
      await dict.sync()
      assert.ok(Object.is(dict.version, version), 'setDefault() must not change the version if the key exists')
      await dict.set('b', null)
      assert.equal(await dict.setDefault('b', 1), null)
      await holds(world, dict, { a: [1], b: null })
    },

    'writes without effect do not change the version': async world => {
      const dict = await world.open()
      await dict.set('a', 1)
      const { version } = dict
      await dict.update({})
      await dict.pop('b', undefined)
      await dict.setDefault('a', 2)
      await dict.sync()
      assert.ok(Object.is(dict.version, version))
    },

    'writing undefined is a TypeError': async world => {
      const dict = await world.open()
      await rejectsMisuse(dict.set('a', undefined))
      await rejectsMisuse(dict.setDefault('a', undefined))
      await rejectsMisuse(dict.update([['a', undefined]]))
      await holds(world, dict, {})
    },

    'writing a value that cannot be encoded rejects with EncodingError and has no effect': async world => {
      const dict = await world.open()
      await dict.set('a', 1)
      const error = await rejects(dict.set('a', unencodable()), EncodingError, 'a')
      assert.equal(error.dictionary, dict.name)
      await rejects(dict.setDefault('b', unencodable()), EncodingError, 'b')
      await holds(world, dict, { a: 1 })
    },

    'an unknown option of a write is a TypeError': async world => {
      const dict = await world.open()
      await rejectsMisuse(dict.set('a', 1, { nowhere: true } as never))
      await rejectsMisuse(dict.delete('a', { everywhere: 1 } as never))
      await rejectsMisuse(dict.clear(null as never))
      await dict.set('a', 1, {})
      await dict.set('a', 2, { everywhere: false })
      await holds(world, dict, { a: 2 })
    },

    'writes of one tick are executed in order': async world => {
      const dict = await world.open()
      const answers = await Promise.all([
        dict.set('a', 1),
        dict.pop('a'),
        dict.setDefault('a', 2),
        dict.delete('a'),
        dict.delete('a'),
        dict.set('b', 3),
        dict.clear(),
        dict.set('c', 4),
      ])
      assert.deepEqual(answers, [undefined, 1, 2, true, false, undefined, undefined, undefined])
      await holds(world, dict, { c: 4 })
    },
  },
}
