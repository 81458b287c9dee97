import assert from 'node:assert/strict'
import { KeyError } from '../../errors/errors.js'
import { rejects } from '../expect.js'
import { everyMode, type Topic } from '../suite.js'
import type { Dict, World } from '../world.js'

const ENTRIES: [string, unknown][] = [
  ['a', 1],
  ['b', null],
  ['c', ''],
  ['d', 0],
  ['e', false],
]

/** A dictionary on a store to which another dictionary wrote these entries. */
async function opened(world: World): Promise<Dict> {
  const other = await world.open()
  await other.update(ENTRIES)
  return world.open()
}

const byKey = (left: readonly [string, unknown], right: readonly [string, unknown]) => (left[0] < right[0] ? -1 : 1)

export const reads: Topic = {
  title: 'reads',
  modes: everyMode,
  tests: {
    'get() returns the stored value, else undefined': async world => {
      const dict = await opened(world)
      for (const [key, value] of ENTRIES) assert.equal(await dict.get(key), value)
      assert.equal(await dict.get('missing'), undefined)
    },

    'getOrThrow() returns the stored value, else rejects with KeyError': async world => {
      const dict = await opened(world)
      for (const [key, value] of ENTRIES) assert.equal(await dict.getOrThrow(key), value)
      const error = await rejects(dict.getOrThrow('missing'), KeyError, 'missing')
      assert.equal(error.dictionary, dict.name)
      assert.ok(error.message.includes('missing') && error.message.includes(dict.name))
    },

    'has() and size() cover stored keys': async world => {
      const dict = await opened(world)
      for (const [key] of ENTRIES) assert.equal(await dict.has(key), true)
      assert.equal(await dict.has('missing'), false)
      assert.equal(await dict.size(), ENTRIES.length)
    },

    'keys(), values(), entries() and iteration return everything': async world => {
      const dict = await opened(world)
      assert.deepEqual(
        (await dict.keys()).sort(),
        ENTRIES.map(([key]) => key),
      )
      assert.deepEqual(new Set(await dict.values()), new Set(ENTRIES.map(([, value]) => value)))
      assert.deepEqual((await dict.entries()).sort(byKey), ENTRIES)
      const iterated: [string, unknown][] = []
      for await (const entry of dict) iterated.push(entry)
      assert.deepEqual(iterated.sort(byKey), ENTRIES)
    },

    'every read method shows an empty dictionary as empty': async world => {
      const dict = await world.open()
      assert.equal(await dict.size(), 0)
      assert.deepEqual([await dict.keys(), await dict.values(), await dict.entries()], [[], [], []])
      for await (const entry of dict) assert.fail(`nothing is stored, but ${entry}`)
      assert.equal((await dict.snapshot()).size, 0)
      assert.equal(dict.local.size, 0)
    },

    'an iteration covers the state at its start': async world => {
      const dict = await opened(world)
      let seen = 0
      for await (const [key] of dict) {
        seen += 1
        await dict.delete(key)
        await dict.set(`new ${key}`, 1)
      }
      assert.equal(seen, ENTRIES.length)
      assert.equal(await dict.size(), ENTRIES.length)
    },

    'local is a ReadonlyMap of memory': async world => {
      const { local } = await opened(world)
      assert.equal(local.size, ENTRIES.length)
      for (const [key, value] of ENTRIES) {
        assert.equal(local.has(key), true)
        assert.equal(local.get(key), value)
      }
      assert.equal(local.get('missing'), undefined)
      assert.equal(local.has('missing'), false)
      assert.deepEqual([...local].sort(byKey), ENTRIES)
      assert.deepEqual([...local.entries()].sort(byKey), ENTRIES)
      assert.deepEqual(
        [...local.keys()].sort(),
        ENTRIES.map(([key]) => key),
      )
      assert.equal([...local.values()].length, ENTRIES.length)
      const visited: [string, unknown][] = []
      local.forEach((value, key) => {
        visited.push([key, value])
      })
      assert.deepEqual(visited.sort(byKey), ENTRIES)
    },

    'memory has the version of the store, which opening does not change': async world => {
      const backend = await world.backend()
      await backend.persist('a', '1')
      const version = await backend.lastUpdated()
      const [dict, other] = [await world.open(), await world.open()]
      for (const one of [dict, other]) {
        assert.ok(Object.is(one.version, version))
        await one.sync()
        assert.ok(Object.is(one.version, version))
      }
      await dict.close()
      assert.ok(Object.is(await backend.lastUpdated(), version))
    },
  },
}
