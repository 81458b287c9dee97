import assert from 'node:assert/strict'
import { range, sideBySide } from '../samples.js'
import { everyMode, needs, type Topic } from '../suite.js'

export const snapshots: Topic = {
  title: 'snapshots',
  modes: everyMode,
  tests: {
    'later writes do not change a snapshot': async world => {
      const [dict, other] = [await world.open(), await world.open()]
      await dict.update({ a: 1, b: [2] })
      const { version } = dict
      const snapshot = await dict.snapshot()
      await dict.set('a', 2)
      await other.set('c', 3)
      await dict.delete('b')
      await dict.sync()
      const later = await dict.snapshot()
      await dict.clear()
      assert.deepEqual(new Map(snapshot), new Map<string, unknown>(Object.entries({ a: 1, b: [2] })))
      assert.deepEqual([snapshot.size, snapshot.has('c'), snapshot.get('b')], [2, false, [2]])
      assert.ok(Object.is(snapshot.version, version))
      assert.deepEqual(new Map(later), new Map(Object.entries({ a: 2, c: 3 })))
      assert.equal((await dict.snapshot()).size, 0)
    },

    'a snapshot is an immutable ReadonlyMap': async world => {
      const dict = await world.open({ defaults: { d: 4 } })
      await dict.update({ a: 1 })
      const snapshot = await dict.snapshot()
      assert.deepEqual([...snapshot.keys()], ['a'])
      assert.deepEqual([...snapshot.values()], [1])
      assert.deepEqual([...snapshot.entries()], [['a', 1]])
      const visited: unknown[] = []
      snapshot.forEach((value, key, map) => {
        visited.push(value, key, map === snapshot)
      })
      assert.deepEqual(visited, [1, 'a', true])
      assert.equal(snapshot.get('d'), 4, 'get falls back to the defaults')
      assert.equal(snapshot.has('d'), false)
      assert.throws(() => Object.assign(snapshot, { version: 'other' }), TypeError)
      for (const method of ['set', 'delete', 'clear']) assert.equal(method in snapshot, false)
    },

    'snapshots of many states can be used at the same time': async world => {
      const dict = await world.open()
      const snapshots = []
      for (const n of range(20)) {
        if (n % 5 === 4) await dict.clear()
        await dict.set(`key ${n % 3}`, n)
        snapshots.push(await dict.snapshot())
      }
      for (const [n, snapshot] of snapshots.entries()) {
        assert.equal(snapshot.get(`key ${n % 3}`), n)
        assert.equal(snapshot.size, [...snapshot].length)
      }
      const versions = new Set(snapshots.map(({ version }) => version))
      assert.equal(versions.size, snapshots.length)
    },

    'a snapshot works after close()': async world => {
      const dict = await world.open()
      await dict.set('a', 1)
      const snapshot = await dict.snapshot()
      await dict.close()
      assert.equal(snapshot.get('a'), 1)
      assert.equal(dict.local.get('a'), 1)
    },

    'memory always equals one state of the store and never goes backwards': needs('commit', async world => {
      const [writer, reader] = [await world.open(), await world.open()]
      let last = -1
      const write = (n: number) => writer.update({ a: n, b: n, [`key ${n}`]: n })
      const read = async () => {
        const { local } = reader
        assert.equal(local.get('a'), local.get('b'))
        const snapshot = await reader.snapshot()
        const n = (snapshot.get('a') ?? -1) as number
        assert.equal(snapshot.get('b') ?? -1, n)
        assert.equal(snapshot.size, n < 0 ? 0 : n + 3)
        assert.ok(n >= last, `memory went back from ${last} to ${n}`)
        last = n
      }
      await sideBySide(15, write, read)
      await world.see(reader, () => reader.local.get('b') === 14)
      await read()
    }),
  },
}
