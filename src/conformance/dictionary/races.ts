import assert from 'node:assert/strict'
import { KeyError } from '../../errors/errors.js'
import { range } from '../samples.js'
import { type Case, everyMode, lacks, type Topic } from '../suite.js'
import type { Dict, World } from '../world.js'

const threeDicts = (world: World): Promise<Dict[]> => Promise.all(range(3).map(() => world.open()))

/** For an operation that is atomic by its own method or by `commit`. */
const atomic = (method: 'pop' | 'setDefault', run: Case['run']): Case => ({
  run,
  needs: [],
  lacks: [],
  needsOneOf: [method, 'commit'],
})

export const races: Topic = {
  title: 'races between dictionaries',
  modes: everyMode,
  tests: {
    'exactly one of many concurrent pop() calls gets the value': atomic('pop', async world => {
      const dicts = await threeDicts(world)
      for (const round of range(3)) {
        await dicts[0]?.set('a', round)
        const popped = await Promise.allSettled(dicts.flatMap(dict => range(5).map(() => dict.pop('a'))))
        const got = popped.filter(one => one.status === 'fulfilled').map(({ value }) => value)
        assert.deepEqual(got, [round])
        for (const one of popped) if (one.status === 'rejected') assert.ok(one.reason instanceof KeyError)
      }
    }),

    'each entry of a queue goes to exactly one concurrent caller of pop()': atomic('pop', async world => {
      const dicts = await threeDicts(world)
      const tasks = range(10).map(n => `task ${n}`)
      await dicts[0]?.update(tasks.map(task => [task, task] as const))
      const taken = await Promise.all(
        dicts.flatMap(dict => [...tasks].reverse().map(task => dict.pop(task, undefined))),
      )
      assert.deepEqual(taken.filter(task => task !== undefined).sort(), tasks)
    }),

    'all concurrent callers of setDefault() get the stored value': atomic('setDefault', async world => {
      const dicts = await threeDicts(world)
      const given = await Promise.all(dicts.flatMap((dict, n) => range(5).map(i => dict.setDefault('a', `${n} ${i}`))))
      assert.equal(new Set(given).size, 1)
      for (const dict of dicts) {
        await dict.sync()
        assert.equal(dict.local.get('a'), given[0])
      }
    }),

    'delete() returns true to exactly one concurrent caller': async world => {
      const dicts = await threeDicts(world)
      await dicts[0]?.set('a', 1)
      const deleted = await Promise.all(dicts.flatMap(dict => range(5).map(() => dict.delete('a'))))
      assert.equal(deleted.filter(Boolean).length, 1)
    },

    'overlapping writes are all kept, and every dictionary reaches the same state': async world => {
      const dicts = await threeDicts(world)
      await Promise.all(dicts.flatMap((dict, n) => range(10).map(i => dict.set(i % 2 === 0 ? 'a' : `${n} ${i}`, n))))
      await Promise.all(dicts.map(dict => dict.sync()))
      const [first] = dicts.map(dict => new Map(dict.local))
      assert.equal(first?.size, 16)
      for (const dict of dicts) assert.deepEqual(new Map(dict.local), first)
    },

    'a later pop() finds nothing without pop() and commit()': lacks(['pop', 'commit'], async world => {
      const [dict, other] = [await world.open(), await world.open()]
      await dict.set('a', 1)
      assert.equal(await other.pop('a'), 1)
      await assert.rejects(dict.pop('a'), KeyError)
    }),

    'a later setDefault() gets the stored value without setDefault() and commit()': lacks(
      ['setDefault', 'commit'],
      async world => {
        const [dict, other] = [await world.open(), await world.open()]
        assert.equal(await dict.setDefault('a', 1), 1)
        assert.equal(await other.setDefault('a', 2), 1)
        assert.equal(await dict.setDefault('a', 3), 1)
      },
    ),
  },
}
