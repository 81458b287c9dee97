import assert from 'node:assert/strict'
import type { Backend } from '../../contract/backend.js'
import { contents, ODD_KEYS, range, storedIn } from '../samples.js'
import { needs, type Topic } from '../suite.js'

export const atomicMethods: Topic = {
  title: 'pop() and setDefault() of the backend',
  tests: {
    'pop() removes the entry and returns its stored form': needs('pop', async world => {
      const [one, other] = [await world.backend(), await world.backend()]
      await one.persist('a', '1')
      const version = await one.lastUpdated()
      assert.equal(await other.pop?.('a'), '1')
      assert.ok(!Object.is(await one.lastUpdated(), version), 'pop() must change the version')
      assert.equal(await one.pop?.('a'), undefined)
      assert.equal((await contents(one)).size, 0)
    }),

    'exactly one concurrent pop() of a key gets its value': needs('pop', async world => {
      const backends = await Promise.all(range(3).map(() => world.backend()))
      await (backends[0] as Backend).persist('a', '')
      const popped = await Promise.all(range(12).map(n => backends[n % 3]?.pop?.('a')))
      assert.deepEqual(
        popped.filter(stored => stored !== undefined),
        [''],
      )
    }),

    'setDefault() inserts a missing key and returns the stored value': needs('setDefault', async world => {
      const [one, other] = [await world.backend(), await world.backend()]
      const empty = await one.lastUpdated()
      assert.equal(await one.setDefault?.('a', ''), '')
      const version = await other.lastUpdated()
      assert.ok(!Object.is(version, empty), 'setDefault() must change the version if it inserts')
      assert.equal(await other.setDefault?.('a', '2'), '')
      assert.ok(
        Object.is(await one.lastUpdated(), version),
        'setDefault() must not change the version if the key exists',
      )
      assert.equal(await storedIn(one, 'a'), '')
    }),

    'exactly one concurrent setDefault() of a key inserts its value': needs('setDefault', async world => {
      const backends = await Promise.all(range(3).map(() => world.backend()))
      const given = await Promise.all(range(12).map(n => backends[n % 3]?.setDefault?.('a', String(n))))
      const stored = await storedIn(backends[0] as Backend, 'a')
      for (const one of given) assert.equal(one, stored)
    }),

    'pop() and setDefault() accept keys of every kind': needs(['pop', 'setDefault'], async world => {
      const [one, other] = [await world.backend(), await world.backend()]
      for (const key of ODD_KEYS) assert.equal(await one.setDefault?.(key, `${key}!`), `${key}!`)
      for (const key of ODD_KEYS) assert.equal(await other.pop?.(key), `${key}!`)
      assert.equal((await contents(one)).size, 0)
    }),
  },
}
