import assert from 'node:assert/strict'
import type { Backend, Version } from '../../contract/backend.js'
import { InvalidValueError } from '../../errors/errors.js'
import { rejects } from '../expect.js'
import { contents, large, ODD_KEYS, ODD_VALUES, range, sameEntries, sideBySide, storedIn } from '../samples.js'
import { lacks, needs, type Topic } from '../suite.js'

export const fourMethods: Topic = {
  title: 'the four methods',
  tests: {
    'the subject declares what the backend lacks': world => world.checkDeclared(),

    'a new store is empty and its version does not change': async world => {
      const [one, other] = [await world.backend(), await world.backend()]
      assert.equal((await contents(one)).size, 0)
      const version = await one.lastUpdated()
      assert.ok(Object.is(await one.lastUpdated(), version))
      assert.ok(Object.is(await other.lastUpdated(), version), 'all backends on one store must see one version')
    },

    'persist() inserts and replaces for every backend on the store': async world => {
      const [one, other] = [await world.backend(), await world.backend()]
      await one.persist('a', '1')
      await other.persist('b', '2')
      await other.persist('a', '3')
      for (const backend of [one, other])
        sameEntries(await contents(backend), new Map(Object.entries({ a: '3', b: '2' })))
    },

    'depersist() removes the key and returns whether it was stored': async world => {
      const [one, other] = [await world.backend(), await world.backend()]
      await one.persist('a', '1')
      assert.equal(await other.depersist('a'), true)
      assert.equal(await one.depersist('a'), false)
      assert.equal(await one.depersist('never there'), false)
      assert.equal((await contents(one)).size, 0)
    },

    'the version differs after every change and never recurs': async world => {
      const [one, other] = [await world.backend(), await world.backend()]
      const seen = new Set<Version>([await one.lastUpdated()])
      const steps: (() => unknown)[] = [
        () => one.persist('a', '1'),
        () => one.depersist('a'),
        () => other.persist('a', '1'),
        () => one.persist('a', '2'),
        () => other.persist('b', '1'),
        () => other.depersist('b'),
        () => one.depersist('a'),
        () => one.persist('a', '1'),
      ]
      for (const step of steps) {
        await step()
        const version = await one.lastUpdated()
        assert.ok(!seen.has(version), `a version must not recur, nor stay, after ${step}`)
        assert.ok(Object.is(await other.lastUpdated(), version), 'every backend must see the new version immediately')
        seen.add(version)
      }
    },

    'reading and opening do not change the version': async world => {
      const one = await world.backend()
      await one.persist('a', '1')
      const version = await one.lastUpdated()
      await contents(one)
      const other = await world.backend()
      await contents(other)
      assert.ok(Object.is(await other.lastUpdated(), version))
      assert.ok(Object.is(await one.lastUpdated(), version))
    },

    'two stores never share a version': async world => {
      const [here, there] = [await world.backend(), await world.elsewhere()]
      for (const backend of [here, there]) await backend.persist('a', '1')
      assert.ok(
        !Object.is(await here.lastUpdated(), await there.lastUpdated()),
        'a version must contain something random',
      )
      await there.persist('only there', '1')
      assert.equal(await storedIn(here, 'only there'), undefined)
    },

    'overlapping writes are all kept': async world => {
      const backends = await Promise.all(range(3).map(() => world.backend()))
      const keys = range(30).map(n => `key ${n}`)
      await Promise.all(keys.map((key, n) => (backends[n % 3] as Backend).persist(key, key)))
      for (const backend of backends) sameEntries(await contents(backend), new Map(keys.map(key => [key, key])))
    },

    'depersist() returns true to exactly one concurrent caller': async world => {
      const backends = await Promise.all(range(3).map(() => world.backend()))
      await (backends[0] as Backend).persist('a', '1')
      const removed = await Promise.all(range(12).map(n => (backends[n % 3] as Backend).depersist('a')))
      assert.equal(removed.filter(Boolean).length, 1)
    },

    'the version never changes before its entries': async world => {
      const [writer, reader] = [await world.backend(), await world.backend()]
      const states = new Map<Version, string | undefined>()
      const write = async (n: number) => writer.persist('a', String(n))
      await sideBySide(30, write, () => observe(reader, states))
      await observe(reader, states)
      assert.equal(states.get(await reader.lastUpdated()), '29')
    },

    'keys of every kind are stored as distinct keys': async world => {
      const [one, other] = [await world.backend(), await world.backend()]
      const expected = new Map(ODD_KEYS.map((key, index) => [key, String(index)]))
      for (const [key, stored] of expected) await one.persist(key, stored)
      sameEntries(await contents(other), expected)
      for (const key of ODD_KEYS) {
        assert.equal(await other.depersist(key), true, `depersist(${JSON.stringify(key)})`)
        expected.delete(key)
      }
      assert.equal((await contents(one)).size, 0)
    },

    'stored forms of every kind are kept exactly': async world => {
      const [one, other] = [await world.backend(), await world.backend()]
      for (const [index, stored] of ODD_VALUES.entries()) await one.persist(`key ${index}`, stored)
      const kept = await contents(other)
      for (const [index, stored] of ODD_VALUES.entries()) assert.equal(kept.get(`key ${index}`), stored)
    },

    'a value of one megabyte is stored without loss': needs('megabytes', async world => {
      const [one, other] = [await world.backend(), await world.backend()]
      const text = large()
      await one.persist('large', text)
      assert.ok((await storedIn(other, 'large')) === text)
    }),

    'a value of one megabyte is refused as too large and not written': lacks('megabytes', async world => {
      const backend = await world.backend()
      await backend.persist('large', 'small')
      const version = await backend.lastUpdated()
      await rejects(Promise.resolve(backend.persist('large', large())), InvalidValueError, 'large')
      assert.ok(Object.is(await backend.lastUpdated(), version))
      assert.equal(await storedIn(backend, 'large'), 'small')
    }),

    'bytes are stored without loss': needs('bytes', async world => {
      const [one, other] = [await world.backend<unknown>(), await world.backend<unknown>()]
      const bytes = Uint8Array.from(range(256))
      await one.persist('bytes', bytes)
      await one.persist('none', new Uint8Array())
      await one.persist('text', 'text')
      const kept = await contents(other)
      assert.deepEqual(new Uint8Array(kept.get('bytes') as Uint8Array), bytes)
      assert.equal((kept.get('none') as Uint8Array).length, 0)
      assert.equal(kept.get('text'), 'text')
    }),
  },
}

/** Reads entries between two versions, and compares them with what this version showed before. */
async function observe(reader: Backend, states: Map<Version, string | undefined>): Promise<void> {
  const version = await reader.lastUpdated()
  const stored = await storedIn(reader, 'a')
  if (!Object.is(await reader.lastUpdated(), version)) return
  if (states.has(version)) assert.equal(stored, states.get(version), 'one version must identify one state')
  states.set(version, stored)
}
