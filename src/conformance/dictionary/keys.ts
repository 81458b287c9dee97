import assert from 'node:assert/strict'
import { InvalidKeyError } from '../../errors/errors.js'
import { failure, rejects } from '../expect.js'
import { ODD_KEYS } from '../samples.js'
import { everyMode, needs, type Topic } from '../suite.js'

const BAD_KEYS: readonly unknown[] = [
  '',
  '\ud800',
  'a\udfff',
  '\udc00\ud800',
  'x'.repeat(513),
  `${'ü'.repeat(256)}x`,
  'x'.repeat(100_000),
  undefined,
  null,
  0,
  true,
  {},
  ['a'],
  Symbol('key'),
]

export const keys: Topic = {
  title: 'keys',
  modes: everyMode,
  tests: {
    'keys of every kind are stored as distinct keys': async world => {
      const [dict, other] = [await world.open(), await world.open()]
      await dict.update(ODD_KEYS.map((key, index) => [key, index] as const))
      await world.see(other, () => other.local.size === ODD_KEYS.length)
      // At once, since they then share a check.
      const reads = ODD_KEYS.map(async (key, index) => {
        const [value, isKept] = await Promise.all([other.get(key), dict.has(key)])
        assert.deepEqual([value, isKept], [index, true], JSON.stringify(key))
      })
      await Promise.all(reads)
      assert.deepEqual(new Set(await other.keys()), new Set(ODD_KEYS))
      assert.deepEqual(new Set((await other.snapshot()).keys()), new Set(ODD_KEYS))
    },

    'keys of every kind can be set and deleted': async world => {
      const [dict, other] = [await world.open(), await world.open()]
      const sets = ODD_KEYS.map(async key => {
        assert.equal(await dict.get(key), undefined)
        await dict.set(key, `${key}!`)
        assert.equal(await dict.setDefault(key, 'other'), `${key}!`)
      })
      await Promise.all(sets)
      await world.see(other, () => other.local.size === ODD_KEYS.length)
      const removals = ODD_KEYS.map(async (key, index) => {
        if (index % 2 === 0) assert.equal(await other.pop(key), `${key}!`)
        else assert.equal(await other.delete(key), true)
      })
      await Promise.all(removals)
      assert.equal(other.local.size, 0)
    },

    'every call rejects with InvalidKeyError for an invalid key': async world => {
      const dict = await world.open()
      for (const bad of BAD_KEYS as string[]) {
        const calls = [
          dict.get(bad),
          dict.getOrThrow(bad),
          dict.has(bad),
          dict.set(bad, 1),
          dict.delete(bad),
          dict.pop(bad),
          dict.pop(bad, 1),
          dict.setDefault(bad, 1),
          dict.update([
            ['good', 1],
            [bad, 1],
          ]),
          Promise.resolve().then(() => dict.watch({ key: bad === undefined ? (null as never) : bad })),
        ]
        await Promise.all(calls.map(call => rejects(call, InvalidKeyError)))
      }
      await dict.sync()
      assert.equal(dict.local.size, 0, 'nothing was written')
    },

    'the error names the key and stays short': async world => {
      const dict = await world.open()
      const error = await rejects(dict.set('x'.repeat(100_000), 1), InvalidKeyError)
      assert.ok(error.message.length < 1_000)
      assert.ok(error.message.includes('xxx') && error.message.includes(dict.name))
    },

    'an invalid key throws InvalidKeyError inside a transaction': needs('commit', async world => {
      const dict = await world.open()
      for (const bad of ['', '\ud800', 'x'.repeat(513)]) {
        const error = await failure(
          dict.transact(tx => {
            tx.set('good', 1)
            tx.set(bad, 1)
          }),
        )
        assert.ok(error instanceof InvalidKeyError)
      }
      assert.equal(await dict.size(), 0)
    }),
  },
}
