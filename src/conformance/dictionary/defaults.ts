import assert from 'node:assert/strict'
import { EncodingError, InvalidKeyError, KeyError } from '../../errors/errors.js'
import { failure, rejects } from '../expect.js'
import { everyMode, needs, type Topic } from '../suite.js'

export const defaults: Topic = {
  title: 'defaults',
  modes: everyMode,
  tests: {
    'get() falls back to the default until someone sets the key': async world => {
      const dict = await world.open({ defaults: { a: 1, n: null } })
      assert.equal(await dict.get('a'), 1)
      assert.equal(await dict.getOrThrow('a'), 1)
      assert.equal(await dict.get('n'), null)
      assert.equal(dict.local.get('a'), 1)
      assert.equal((await dict.snapshot()).get('a'), 1)
      await dict.set('a', 2)
      assert.equal(await dict.get('a'), 2)
      await dict.delete('a')
      assert.equal(await dict.get('a'), 1)
    },

    'every method except get() covers stored keys only': async world => {
      const dict = await world.open({ defaults: { a: 1 } })
      assert.deepEqual([await dict.has('a'), await dict.size(), await dict.keys()], [false, 0, []])
      assert.deepEqual([await dict.values(), await dict.entries()], [[], []])
      assert.deepEqual([dict.local.has('a'), dict.local.size, [...dict.local]], [false, 0, []])
      assert.equal(await dict.delete('a'), false)
      await rejects(dict.pop('a'), KeyError, 'a')
      assert.equal(await dict.pop('a', 3), 3)
      assert.equal(await dict.setDefault('a', 2), 2)
      assert.equal(await dict.get('a'), 2)
    },

    'each dictionary has its own defaults': async world => {
      const [dict, other] = [await world.open({ defaults: { a: 1 } }), await world.open({ defaults: { a: 2 } })]
      assert.deepEqual([await dict.get('a'), await other.get('a')], [1, 2])
      assert.equal((await world.backend()).name ?? 'dictionary', dict.name)
    },

    'defaults are frozen copies': async world => {
      const list = [1]
      const dict = await world.open({ defaults: { list } })
      list.push(2)
      const given = (await dict.get('list')) as number[]
      assert.deepEqual(given, [1])
      assert.throws(() => given.push(3), TypeError)
      assert.equal(await dict.get('list'), given)
    },

    'open() rejects a default that cannot be stored': async world => {
      for (const [given, kind] of [
        [{ '': 1 }, InvalidKeyError],
        [{ a: undefined }, TypeError],
        [{ a: () => {} }, EncodingError],
        [1, TypeError],
        [null, TypeError],
      ] as const) {
        const tap = await world.tap()
        const error = await failure(world.openOn(tap, { defaults: given as never }))
        assert.ok(error instanceof kind, String(error))
        assert.equal(tap.count('close'), 1)
      }
    },

    'get() inside a transaction falls back to the default': needs('commit', async world => {
      const dict = await world.open({ defaults: { n: 5 } })
      await dict.transact(tx => {
        assert.deepEqual([tx.get('n'), tx.getOrThrow('n'), tx.has('n'), tx.size()], [5, 5, false, 0])
        tx.set('n', (tx.get('n') as number) + 1)
      })
      assert.equal(await dict.get('n'), 6)
    }),
  },
}
