import assert from 'node:assert/strict'
import { large, ODD_VALUES } from '../samples.js'
import { everyMode, needs, type Topic } from '../suite.js'

const cyclic = () => {
  const list: unknown[] = [1]
  list.push(list)
  return list
}

const VALUES: readonly unknown[] = [
  ...ODD_VALUES,
  '\ud800 half a pair',
  null,
  true,
  false,
  0,
  -0,
  -1.5,
  1e300,
  Number.NaN,
  Number.POSITIVE_INFINITY,
  2n ** 80n,
  new Date(0),
  /a+/gi,
  new Map<unknown, unknown>([
    ['a', 1],
    [{ b: 2 }, new Set([1])],
  ]),
  new Set(['a']),
  Uint8Array.of(0, 255),
  [],
  [[], [null]],
  {},
  { '': 1, constructor: 2, a: { b: [{ c: '\0' }] } },
]

export const values: Topic = {
  title: 'values',
  modes: everyMode,
  tests: {
    'values of every kind are read back without loss': async world => {
      const dict = await world.open()
      await dict.update(VALUES.map((value, index) => [`key ${index}`, value] as const))
      const other = await world.open()
      for (const [index, value] of VALUES.entries()) {
        assert.deepEqual(await dict.get(`key ${index}`), value)
        assert.deepEqual(await other.get(`key ${index}`), value)
      }
      await dict.set('cyclic', cyclic())
      const list = (await dict.get('cyclic')) as unknown[]
      assert.equal(list[1], list)
    },

    'a value of one megabyte is read back': needs('megabytes', async world => {
      const dict = await world.open()
      const text = large()
      await dict.set('large', { text })
      const other = await world.open()
      assert.ok(((await other.get('large')) as { text: string }).text === text)
    }),

    'values are deeply frozen and decoded once': async world => {
      const [dict, other] = [await world.open(), await world.open()]
      await dict.set('a', { list: [{ n: 1 }] })
      await world.see(other, () => other.local.has('a'))
      for (const one of [dict, other]) {
        const value = (await one.get('a')) as { list: { n: number }[] }
        assert.throws(() => value.list.push({ n: 2 }), TypeError)
        assert.throws(() => {
          ;(value.list[0] as { n: number }).n = 2
        }, TypeError)
        assert.equal(await one.get('a'), value, 'every reader must get the same copy')
        assert.equal(one.local.get('a'), value)
        assert.equal((await one.snapshot()).get('a'), value)
      }
    },

    'a write neither keeps nor freezes the caller’s object': async world => {
      const dict = await world.open()
      const mine = { list: [1] }
      await dict.set('a', mine)
      await dict.update({ b: mine })
      const given = await dict.setDefault('c', mine)
      assert.notEqual(given, mine)
      mine.list.push(2)
      for (const key of ['a', 'b', 'c']) assert.deepEqual(await dict.get(key), { list: [1] })
    },

    'changes to the caller’s object during a write are not written': async world => {
      const dict = await world.open()
      const mine = { n: 1 }
      const writing = dict.set('a', mine)
      mine.n = 2
      await writing
      assert.deepEqual(await dict.get('a'), { n: 1 })
    },

    'a transaction neither keeps nor freezes the caller’s object': needs('commit', async world => {
      const dict = await world.open()
      const mine = { list: [1] }
      await dict.transact(tx => {
        tx.set('a', mine)
        mine.list.push(2)
        assert.deepEqual(tx.get('a'), { list: [1] })
        assert.throws(() => (tx.get('a') as number[] & { list: number[] }).list.push(3), TypeError)
      })
      assert.deepEqual(await dict.get('a'), { list: [1] })
    }),

    'pop() returns a frozen value': async world => {
      const dict = await world.open()
      await dict.set('a', [1])
      const popped = (await dict.pop('a')) as number[]
      assert.throws(() => popped.push(2), TypeError)
    },
  },
}
