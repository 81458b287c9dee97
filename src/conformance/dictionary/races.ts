import assert from 'node:assert/strict'
import { KeyError } from '../../errors/errors.js'
import { range } from '../samples.js'
import { type Case, everyMode, lacks, type Topic } from '../suite.js'
import type { Dict, World } from '../world.js'

const threeDicts = (world: World): Promise<Dict[]> => Promise.all(range(3).map(() => world.open()))

/** For what is atomic either by the method or by `commit`. */
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
    'of many who pop one key, one gets the value': atomic('pop', async world => {
      const dicts = await threeDicts(world)
      for (const round of range(3)) {
        await dicts[0]?.set('a', round)
        const popped = await Promise.allSettled(dicts.flatMap(dict => range(5).map(() => dict.pop('a'))))
        const got = popped.filter(one => one.status === 'fulfilled').map(({ value }) => value)
        assert.deepEqual(got, [round])
        for (const one of popped) if (one.status === 'rejected') assert.ok(one.reason instanceof KeyError)
      }
    }),

    'of a queue that many pop, each entry goes to one of them': atomic('pop', async world => {
      const dicts = await threeDicts(world)
      const tasks = range(10).map(n => `task ${n}`)
      await dicts[0]?.update(tasks.map(task => [task, task] as const))
      const taken = await Promise.all(
        dicts.flatMap(dict => [...tasks].reverse().map(task => dict.pop(task, undefined))),
      )
      assert.deepEqual(taken.filter(task => task !== undefined).sort(), tasks)
    }),

    'of many who set a default, all get the one that is stored': atomic('setDefault', async world => {
      const dicts = await threeDicts(world)
      const given = await Promise.all(dicts.flatMap((dict, n) => range(5).map(i => dict.setDefault('a', `${n} ${i}`))))
      assert.equal(new Set(given).size, 1)
      for (const dict of dicts) {
        await dict.sync()
        assert.equal(dict.local.get('a'), given[0])
      }
    }),

    'of many who delete one key, one is told that it was there': async world => {
      const dicts = await threeDicts(world)
      await dicts[0]?.set('a', 1)
      const deleted = await Promise.all(dicts.flatMap(dict => range(5).map(() => dict.delete('a'))))
      assert.equal(deleted.filter(Boolean).length, 1)
    },

    'all writes that overlap are kept, and every dictionary ends at the same state': async world => {
      const dicts = await threeDicts(world)
      await Promise.all(dicts.flatMap((dict, n) => range(10).map(i => dict.set(i % 2 === 0 ? 'a' : `${n} ${i}`, n))))
      await Promise.all(dicts.map(dict => dict.sync()))
      const [first] = dicts.map(dict => new Map(dict.local))
      assert.equal(first?.size, 16)
      for (const dict of dicts) assert.deepEqual(new Map(dict.local), first)
    },

    'without pop() and commit(), one who pops after the other finds nothing': lacks(['pop', 'commit'], async world => {
      const [dict, other] = [await world.open(), await world.open()]
      await dict.set('a', 1)
      assert.equal(await other.pop('a'), 1)
      await assert.rejects(dict.pop('a'), KeyError)
    }),

    'without setDefault() and commit(), one who comes after the other gets what is stored': lacks(
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
