import assert from 'node:assert/strict'
import type { Backend, Committed, Condition, Group, Operation, Outcome, Version } from '../../contract/backend.js'
import {
  contents,
  follow,
  large,
  ODD_KEYS,
  ODD_VALUES,
  range,
  sameEntries,
  sideBySide,
  stateOf,
  storedIn,
} from '../samples.js'
import { type Case, needs, type Topic } from '../suite.js'
import type { World } from '../world.js'

type Some = readonly Operation<unknown>[]

export const set = (key: string, stored: unknown) => ({ type: 'set', key, stored }) as const
export const remove = (key: string) => ({ type: 'delete', key }) as const
const pop = (key: string) => ({ type: 'pop', key }) as const
const setDefault = (key: string, stored: string) => ({ type: 'setDefault', key, stored }) as const
const clear = { type: 'clear' } as const
const same = (version: Version) => ({ type: 'version', version }) as const
const unchanged = (key: string, since: Version) => ({ type: 'unchanged', key, since }) as const

const group = (operations: Some, conditions: readonly Condition[] = []): Group<unknown> => ({
  conditions,
  operations,
})

/** Commits groups on the current state. */
export async function commit(backend: Backend<unknown>, ...groups: Group<unknown>[]): Promise<Committed<unknown>> {
  return commitSince(backend, await backend.lastUpdated(), ...groups)
}

async function commitSince(
  backend: Backend<unknown>,
  since: Version,
  ...groups: Group<unknown>[]
): Promise<Committed<unknown>> {
  const committed = await backend.commit?.({ id: crypto.randomUUID(), groups }, since, new AbortController().signal)
  assert.ok(committed, 'commit() must return an answer')
  assert.equal(committed.outcomes.length, groups.length, 'commit() must return one outcome for each group')
  return committed
}

/** Commits one group that must be executed, and returns its results. */
export async function execute(backend: Backend<unknown>, ...operations: Some): Promise<readonly unknown[]> {
  const { outcomes } = await commit(backend, group(operations))
  return resultsOf(outcomes[0])
}

function resultsOf(outcome: Outcome | undefined): readonly unknown[] {
  if (outcome?.status !== 'done') throw new assert.AssertionError({ message: `outcome: ${outcome?.status}` })
  return outcome.results
}

const statuses = ({ outcomes }: Committed<unknown>) => outcomes.map(({ status }) => status)

async function leaves(backend: Backend<unknown>, work: () => Promise<unknown>, what: string): Promise<void> {
  const before = await stateOf(backend)
  await work()
  const after = await stateOf(backend)
  sameEntries(after.entries, before.entries)
  assert.ok(Object.is(after.version, before.version), `the version must stay after ${what}`)
}

const one = (run: (backend: Backend<unknown>, other: Backend<unknown>, world: World) => Promise<void>): Case =>
  needs('commit', async world => run(await world.backend<unknown>(), await world.backend<unknown>(), world))

export const commits: Topic = {
  title: 'commit() of the backend',
  tests: {
    'operations are executed in order, and each returns its result': one(async (backend, other) => {
      const operations = [
        set('a', '1'),
        remove('a'),
        remove('a'),
        setDefault('b', '2'),
        setDefault('b', '3'),
        pop('b'),
        pop('b'),
        set('c', '4'),
        clear,
        setDefault('c', ''),
        set('d', '5'),
      ]
      const results = await execute(backend, ...operations)
      const expected = [undefined, true, false, '2', '2', '2', undefined, undefined, undefined, '', undefined]
      assert.deepEqual([...results], expected)
      sameEntries(await contents(other), new Map(Object.entries({ c: '', d: '5' })))
    }),

    'a commit is visible to every backend, with a new version': one(async (backend, other) => {
      const before = await other.lastUpdated()
      await execute(backend, set('a', '1'), set('b', '2'))
      assert.ok(!Object.is(await other.lastUpdated(), before))
      sameEntries(await contents(other), new Map(Object.entries({ a: '1', b: '2' })))
    }),

    'a batch without effect does not change the version': one(async backend => {
      await leaves(backend, () => execute(backend, clear), 'clear of an empty store')
      await execute(backend, set('a', '1'))
      await leaves(backend, () => commit(backend), 'a batch without groups')
      await leaves(backend, () => execute(backend), 'a group without operations')
      await leaves(backend, () => execute(backend, remove('b')), 'delete of a missing key')
      await leaves(backend, () => execute(backend, pop('b')), 'pop of a missing key')
      await leaves(backend, () => execute(backend, setDefault('a', '2')), 'setDefault of a key that exists')
      const before = await backend.lastUpdated()
      await execute(backend, set('a', '2'))
      await leaves(backend, () => commit(backend, group([set('a', '3')], [same(before)])), 'a conflict')
    }),

    'a group is executed only if each condition holds': one(async (backend, other) => {
      await execute(backend, set('a', '1'))
      const since = await backend.lastUpdated()
      await execute(other, set('a', '1'))
      const now = await other.lastUpdated()
      const committed = await commit(
        backend,
        group([set('x', '1')], [unchanged('a', since)]),
        group([set('x', '1')], [unchanged('b', now), same(since)]),
        group([set('x', '1'), remove('a')], [unchanged('a', now), same(now)]),
        group([set('y', '1')], [unchanged('a', now)]),
        group([set('z', '1')]),
      )
      assert.deepEqual(statuses(committed), ['conflict', 'conflict', 'done', 'conflict', 'done'])
      sameEntries(await contents(other), new Map(Object.entries({ x: '1', z: '1' })))
    }),

    'a version condition holds until the first change': one(async (backend, other) => {
      const version = await backend.lastUpdated()
      const committed = await commit(
        backend,
        group([remove('nothing')], [same(version)]),
        group([set('a', '1')], [same(version)]),
        group([set('b', '1')], [same(version)]),
        group([set('c', '1')]),
      )
      assert.deepEqual(statuses(committed), ['done', 'done', 'conflict', 'done'])
      await other.persist('d', '1')
      assert.deepEqual(statuses(await commit(backend, group([set('e', '1')], [same(version)]))), ['conflict'])
      sameEntries(await contents(backend), new Map(Object.entries({ a: '1', c: '1', d: '1' })))
    }),

    'an unchanged condition fails after any change of the key, even if its value was restored': one(
      async (backend, other) => {
        const touches: Some[] = [
          [set('a', '2')],
          [remove('a')],
          [pop('a')],
          [clear],
          [set('a', '1')],
          [set('a', '2'), set('a', '1')],
          [remove('a'), setDefault('a', '1')],
        ]
        for (const touch of touches) {
          await execute(backend, set('a', '1'))
          const since = await backend.lastUpdated()
          await execute(other, ...touch)
          const committed = await commit(backend, group([set('a', '3')], [unchanged('a', since)]))
          assert.deepEqual(statuses(committed), ['conflict'], JSON.stringify(touch))
          const now = await backend.lastUpdated()
          assert.deepEqual(statuses(await commit(backend, group([set('a', '3')], [unchanged('a', now)]))), ['done'])
        }
      },
    ),

    'a condition on a version of another store never holds': one(async (backend, _, world) => {
      const foreign = await (await world.elsewhere()).lastUpdated()
      const committed = await commit(
        backend,
        group([set('a', '1')], [same(foreign)]),
        group([set('a', '1')], [unchanged('a', foreign)]),
      )
      assert.deepEqual(statuses(committed), ['conflict', 'conflict'])
      assert.equal((await contents(backend)).size, 0)
    }),

    'the answer leads from the given version to the state after the batch': one(async (backend, other) => {
      await execute(backend, set('a', '1'), set('b', '1'))
      const before = await stateOf(backend)
      await execute(other, set('a', '2'))
      await other.depersist('b')
      const { catchUp } = await commitSince(backend, before.version, group([set('c', '1')]), group([pop('a')]))
      const present = await stateOf(other)
      const followed = follow(before, catchUp)
      if (!followed) return
      assert.ok(Object.is(followed.version, present.version))
      sameEntries(followed.entries, present.entries)
    }),

    'the answer after a conflict contains the conflicting change': one(async (backend, other) => {
      const before = await stateOf(backend)
      await execute(other, set('a', '1'))
      const { outcomes, catchUp } = await commitSince(
        backend,
        before.version,
        group([set('a', '2')], [unchanged('a', before.version)]),
      )
      assert.equal(outcomes[0]?.status, 'conflict')
      const followed = follow(before, catchUp)
      if (followed) sameEntries(followed.entries, new Map([['a', '1']]))
    }),

    'a change with an id has the id of its batch': one(async (backend, other) => {
      const since = await backend.lastUpdated()
      const { signal } = new AbortController()
      await other.commit?.({ id: 'theirs', groups: [group([set('a', '1')])] }, since, signal)
      const answer = await backend.commit?.({ id: 'mine', groups: [group([set('b', '1')])] }, since, signal)
      if (answer?.catchUp.type !== 'changes') return
      const ids = answer.catchUp.changes.map(({ id }) => id)
      if (ids.some(id => id !== undefined)) assert.deepEqual(ids, ['theirs', 'mine'])
    }),

    'groups of concurrent callers take effect one after the other': one(async (_, __, world) => {
      const backends = await Promise.all(range(3).map(() => world.backend<unknown>()))
      await Promise.all(range(9).map(n => increment(backends[n % 3] as Backend<unknown>)))
      assert.equal(await storedIn(backends[0] as Backend<unknown>, 'n'), '9')
    }),

    'no reader sees part of a group': one(async (writer, reader) => {
      const write = (n: number) => execute(writer, set('a', String(n)), set('b', String(n)))
      const read = async () => {
        const version = await reader.lastUpdated()
        const seen = await contents(reader)
        if (Object.is(await reader.lastUpdated(), version)) assert.equal(seen.get('a'), seen.get('b'))
      }
      await sideBySide(20, write, read)
      assert.equal(await storedIn(reader, 'b'), '19')
    }),

    'a batch can contain a thousand operations': one(async (backend, other) => {
      const keys = range(1_000).map(n => `key ${n}`)
      await execute(backend, ...keys.map(key => set(key, key)))
      assert.equal((await contents(other)).size, 1_000)
      const results = await execute(other, ...keys.map(key => pop(key)))
      assert.deepEqual([...results], keys)
      await execute(backend, ...keys.map(key => set(key, '')), clear)
      assert.equal((await contents(other)).size, 0)
    }),

    'keys and values of every kind can be committed': one(async (backend, other) => {
      const entries = ODD_KEYS.map((key, index) => [key, ODD_VALUES[index % ODD_VALUES.length] as string] as const)
      await execute(backend, ...entries.map(([key, stored]) => set(key, stored)))
      sameEntries(await contents(other), new Map(entries))
      const version = await other.lastUpdated()
      const conditions = entries.map(([key]) => unchanged(key, version))
      const removed = await commit(
        other,
        group(
          entries.map(([key]) => remove(key)),
          conditions,
        ),
      )
      assert.deepEqual(
        resultsOf(removed.outcomes[0]),
        ODD_KEYS.map(() => true),
      )
    }),

    'a value of one megabyte can be committed': needs(['commit', 'megabytes'], async world => {
      const [backend, other] = [await world.backend<unknown>(), await world.backend<unknown>()]
      const text = large()
      await execute(backend, set('large', text))
      const [popped] = await execute(other, pop('large'))
      assert.ok(popped === text)
    }),
  },
}

/** Increments a counter, and retries until there is no conflict. */
async function increment(backend: Backend<unknown>): Promise<void> {
  for (const _ of range(1_000)) {
    const version = await backend.lastUpdated()
    const next = set('n', String(Number((await storedIn(backend, 'n')) ?? 0) + 1))
    if (statuses(await commit(backend, group([next], [unchanged('n', version)])))[0] === 'done') return
  }
  assert.fail('a condition that holds must not cause a conflict')
}
