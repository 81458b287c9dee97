import assert from 'node:assert/strict'
import type { Backend, CatchUp, Version } from '../../contract/backend.js'
import { contents, type Followed, follow, range, sameEntries, sideBySide, stateOf } from '../samples.js'
import { needs, type Topic } from '../suite.js'
import { execute, remove, set } from './commit.js'

const since = (backend: Backend<unknown>, version: Version) =>
  backend.changesSince?.(version) as CatchUp<unknown> | Promise<CatchUp<unknown>>

export const changeLog: Topic = {
  title: 'changesSince() of the backend',
  tests: {
    'changesSince() returns no changes for the current version': needs('changesSince', async world => {
      const backend = await world.backend<unknown>()
      for (const _ of range(2)) {
        const version = await backend.lastUpdated()
        assert.deepEqual(await since(backend, version), { type: 'changes', version, changes: [] })
        await backend.persist('a', '1')
      }
    }),

    'the log contains the changes of every method': needs('changesSince', async world => {
      const [backend, other] = [await world.backend<unknown>(), await world.backend<unknown>()]
      const steps: (() => unknown)[] = [
        () => backend.persist('a', '1'),
        () => backend.persist('b', '1'),
        () => backend.persist('a', '2'),
        () => backend.depersist('a'),
        () => world.supports('setDefault') && backend.setDefault?.('c', '1'),
        () => world.supports('setDefault') && backend.setDefault?.('c', '2'),
        () => world.supports('pop') && backend.pop?.('b'),
        () => world.supports('commit') && execute(backend, set('d', '1'), set('e', '1'), remove('c')),
        () => world.supports('commit') && execute(backend, { type: 'clear' }, set('f', '1')),
      ]
      for (const step of steps) {
        const before = await stateOf(other)
        await step()
        await leadsToPresent(other, before)
      }
    }),

    'changesSince() leads from any recent state to the current one': needs('changesSince', async world => {
      const backends = [await world.backend<unknown>(), await world.backend<unknown>()] as const
      const states: Followed[] = []
      for (const n of range(30)) {
        const backend = backends[n % 2] as Backend<unknown>
        states.push(await stateOf(backend))
        if (n % 7 === 6) await backend.depersist(`key ${(n - 1) % 5}`)
        else await backend.persist(`key ${n % 5}`, String(n))
      }
      for (const state of states) for (const backend of backends) await leadsToPresent(backend, state)
    }),

    'changesSince() returns one change for one write, whatever the number of entries': needs(
      ['changesSince', 'commit'],
      async world => {
        const backend = await world.backend<unknown>()
        await execute(backend, ...range(500).map(n => set(`key ${n}`, String(n))))
        const version = await backend.lastUpdated()
        await backend.persist('key 7', 'new')
        const answer = await since(backend, version)
        assert.equal(answer.type, 'changes')
        assert.deepEqual(answer.type === 'changes' && answer.changes.map(({ effects }) => effects), [
          [set('key 7', 'new')],
        ])
      },
    ),

    'changesSince() after thousands of changes is complete or reports a gap': needs(
      ['changesSince', 'commit'],
      async world => {
        const [backend, other] = [await world.backend<unknown>(), await world.backend<unknown>()]
        const before = await stateOf(backend)
        for (const round of range(6)) {
          await execute(other, ...range(1_000).map(n => set(`key ${n % 50}`, `${round} ${n}`)))
        }
        const answer = await since(backend, before.version)
        if (answer.type !== 'changes') assert.equal(answer.diverged, false, 'an old version must not count as diverged')
        await leadsToPresent(backend, before)
        await leadsToPresent(backend, await stateOf(backend))
      },
    ),

    'changesSince() reports divergence for a version of another store': needs('changesSince', async world => {
      const [backend, foreign] = [await world.backend<unknown>(), await world.elsewhere()]
      for (const one of [backend, foreign]) for (const n of range(3)) await one.persist('a', String(n))
      const answer = await since(backend, await foreign.lastUpdated())
      assert.notEqual(answer.type, 'changes')
      assert.equal(answer.type !== 'changes' && answer.diverged, true, 'a foreign version must count as diverged')
    }),

    'changesSince() includes every write acknowledged before the call': needs('changesSince', async world => {
      const [writer, reader] = [await world.backend<unknown>(), await world.backend<unknown>()]
      for (const n of range(20)) {
        const before = await stateOf(reader)
        await writer.persist('a', String(n))
        const followed = follow(before, await since(reader, before.version))
        if (followed) assert.equal(followed.entries.get('a'), String(n))
      }
    }),
  },
}

export const loading: Topic = {
  title: 'load() of the backend',
  tests: {
    'load() returns everything with its version': needs('load', async world => {
      const [backend, other] = [await world.backend<unknown>(), await world.backend<unknown>()]
      for (const n of range(3)) {
        const { version, entries } = await load(other)
        assert.ok(Object.is(version, await other.lastUpdated()))
        sameEntries(new Map(entries), await contents(backend))
        await backend.persist(`key ${n}`, String(n))
      }
    }),

    'load() returns entries that belong to the caller': needs('load', async world => {
      const backend = await world.backend<unknown>()
      await backend.persist('a', '1')
      const { entries } = await load(backend)
      if (entries instanceof Map) entries.set('a', '2').set('b', '2')
      sameEntries(await contents(backend), new Map([['a', '1']]))
      sameEntries(new Map((await load(backend)).entries), new Map([['a', '1']]))
    }),

    'load() returns one consistent state during concurrent writes': needs(['load', 'commit'], async world => {
      const [writer, reader] = [await world.backend<unknown>(), await world.backend<unknown>()]
      const states = new Map<Version, unknown>()
      const write = (n: number) => execute(writer, set('a', String(n)), set('b', String(n)))
      const read = async () => {
        const { version, entries } = await load(reader)
        const seen = new Map(entries)
        assert.equal(seen.get('a'), seen.get('b'))
        if (states.has(version)) assert.equal(seen.get('a'), states.get(version))
        states.set(version, seen.get('a'))
      }
      await sideBySide(20, write, read)
    }),
  },
}

async function load(backend: Backend<unknown>) {
  const state = await backend.load?.(() => {})
  assert.ok(state, 'load() must return a state')
  return state
}

/** The backend's answer leads from the state to the current one, or reports that it cannot. */
async function leadsToPresent(backend: Backend<unknown>, from: Followed): Promise<void> {
  const followed = follow(from, await since(backend, from.version))
  if (!followed) return
  const present = await stateOf(backend)
  assert.ok(Object.is(followed.version, present.version))
  sameEntries(followed.entries, present.entries)
}
