import assert from 'node:assert/strict'
import { needs, type Topic } from '../suite.js'
import { commit } from './commit.js'

export const recordedBound: Topic = {
  title: 'registerMaxStaleness() of the backend',
  tests: {
    'recording a bound does not change the state': needs('registerMaxStaleness', async world => {
      const [backend, other] = [await world.backend(), await world.backend()]
      await backend.persist('a', '1')
      const version = await backend.lastUpdated()
      await other.registerMaxStaleness?.(10)
      assert.ok(Object.is(await backend.lastUpdated(), version))
    }),

    'commit() returns the largest recorded bound of all backends': needs(
      ['registerMaxStaleness', 'commit'],
      async world => {
        const [backend, other] = [await world.backend<unknown>(), await world.backend<unknown>()]
        const bound = async () => (await commit(backend)).bound ?? 0
        assert.equal(await bound(), 0)
        await other.registerMaxStaleness?.(20)
        assert.equal(await bound(), 20)
        await other.registerMaxStaleness?.(10)
        await backend.registerMaxStaleness?.(15)
        assert.equal(await bound(), 20)
        await backend.registerMaxStaleness?.(30)
        assert.equal((await commit(other)).bound, 30)
      },
    ),
  },
}
