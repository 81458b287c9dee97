import assert from 'node:assert/strict'
import { StaleError, StoreUnavailableError, UnsupportedError } from '../../errors/errors.js'
import { rejects, rejectsMisuse } from '../expect.js'
import { range, turn } from '../samples.js'
import { checkedModes, everyMode, lacks, needs, type Topic } from '../suite.js'

/** Longer than any test. */
const LONG = 100_000

export const bounds: Topic = {
  title: 'maxStaleness and everywhere',
  modes: everyMode,
  tests: {
    'fresh answers within the bound and throws StaleError beyond it': needs('registerMaxStaleness', async world => {
      const tap = await world.tap()
      const dict = await world.openOn(tap, { maxStaleness: LONG, defaults: { b: 2 } })
      await dict.set('a', 1)
      assert.deepEqual([dict.fresh.get('a'), dict.fresh.get('b'), dict.fresh.size], [1, 2, 1])
      assert.deepEqual([...dict.fresh], [['a', 1]])
      const frozen = await world.tap()
      const short = await world.openOn(frozen, { maxStaleness: 1 })
      await short.sync()
      frozen.hang(world.path.check)
      while (short.staleness <= 1) await turn()
      for (const read of [() => short.fresh.get('a'), () => short.fresh.size, () => [...short.fresh]]) {
        assert.throws(read, StaleError)
      }
      assert.equal(short.local.get('a'), 1, 'local still serves memory')
    }),

    'a write with everywhere waits until no reader relies on the older value': needs(
      'registerMaxStaleness',
      async world => {
        const [dict, other] = [await world.open(), await world.open({ maxStaleness: 50, replicas: false })]
        await other.sync()
        const before = performance.now()
        const writing = dict.set('a', 1, { everywhere: true })
        await writing
        assert.ok(performance.now() - before >= 50, 'the write must wait out the largest bound in use')
        const relies = other.staleness <= 50
        assert.ok(!relies || other.local.get('a') === 1)
      },
    ),

    'a write with everywhere waits for nothing if no bound is recorded': needs('registerMaxStaleness', async world => {
      const dict = await world.open()
      await world.within(dict.set('a', 1, { everywhere: true }), 'no bound is recorded')
      assert.equal(await dict.get('a'), 1)
    }),

    'fresh throws TypeError without maxStaleness': async world => {
      const dict = await world.open()
      assert.throws(() => dict.fresh, TypeError)
    },

    'maxStaleness and everywhere reject with UnsupportedError without registerMaxStaleness()': lacks(
      'registerMaxStaleness',
      async world => {
        const tap = await world.tap()
        await rejects(world.openOn(tap, { maxStaleness: LONG }), UnsupportedError)
        assert.equal(tap.count('close'), 1)
        const dict = await world.open()
        await rejects(dict.set('a', 1, { everywhere: true }), UnsupportedError)
        assert.equal(await dict.size(), 0)
      },
    ),

    'maxStaleness must be a number of milliseconds': async world => {
      for (const wrong of [0, -1, Number.NaN, '100', Number.POSITIVE_INFINITY]) {
        await rejectsMisuse(world.open({ maxStaleness: wrong as never }))
      }
    },
  },
}

export const boundedReads: Topic = {
  title: 'reads within maxStaleness',
  modes: checkedModes,
  tests: {
    'reads within the bound do not call the store': needs('registerMaxStaleness', async world => {
      const tap = await world.tap()
      const [dict, other] = [await world.openOn(tap, { maxStaleness: LONG }), await world.open()]
      await other.set('a', 1)
      await dict.sync()
      tap.hang(world.path.check)
      for (const _ of range(10)) assert.equal(await dict.get('a'), 1)
      assert.deepEqual(await dict.keys(), ['a'])
    }),

    'reads beyond the bound check the store first': needs('registerMaxStaleness', async world => {
      const [tap, other] = [await world.tap(), await world.open()]
      const dict = await world.openOn(tap, { maxStaleness: 1 })
      await other.set('a', 1)
      while (dict.staleness <= 1) await turn()
      assert.equal(await dict.get('a'), 1)
      tap.failBefore(world.path.check)
      while (dict.staleness <= 1) await turn()
      await rejects(dict.get('a'), StoreUnavailableError)
    }),
  },
}
