import assert from 'node:assert/strict'
import type { Backend, Committed, Operation, Version } from '../../contract/backend.js'
import type { Presence, Registered } from '../../contract/presence.js'
import { range, turn } from '../samples.js'
import { needs, type Topic } from '../suite.js'
import type { World } from '../world.js'
import { remove, set } from './commit.js'

/** Longer than any test, in ms. */
const LONG = 600_000

let replicas = 0

/** What a replica says of itself. */
function presence(said: Partial<Presence> = {}): Presence {
  replicas += 1
  return { id: `replica-${replicas}_A`, host: 'web-1', pid: 42, library: '1.2.3', live: true, ...said }
}

/** Commits one group that asks for acknowledgements. */
async function commitEverywhere(
  backend: Backend<unknown>,
  ...operations: Operation<unknown>[]
): Promise<Committed<unknown>> {
  const batch = { id: crypto.randomUUID(), groups: [{ conditions: [], operations }], acknowledge: true }
  const committed = await backend.commit?.(batch, await backend.lastUpdated(), new AbortController().signal)
  assert.ok(committed, 'commit() must return an answer')
  return committed
}

const idsIn = ({ registry }: Committed<unknown>) => registry?.replicas.map(({ id }) => id).sort()
const listed = async (backend: Backend<unknown>) => (await backend.replicas?.())?.replicas ?? []
const idsOf = async (backend: Backend<unknown>) => (await listed(backend)).map(({ id }) => id).sort()
const boundOf = async (backend: Backend<unknown>) => {
  const batch = { id: crypto.randomUUID(), groups: [] }
  return (await backend.commit?.(batch, await backend.lastUpdated(), new AbortController().signal))?.bound ?? 0
}

/** Renews a record of another replica until the condition holds. */
async function renewUntil(world: World, backend: Backend<unknown>, holds: () => Promise<boolean>): Promise<void> {
  const renewing = presence()
  const renew = async () => {
    while (!(await holds())) {
      await backend.register?.(renewing, LONG)
      await new Promise(resolve => setTimeout(resolve, 5))
    }
  }
  await world.within(renew(), `renewals must make it true: ${holds}`)
}

/** What a record says, without its age. */
const said = ({ seenAgo: _, ...rest }: Registered) => rest

export const registry: Topic = {
  title: 'the registry of the backend',
  tests: {
    'replicas() returns what each replica said at its latest renewal': needs('presence', async world => {
      const [backend, other] = [await world.backend<unknown>(), await world.backend<unknown>()]
      await backend.persist('a', '1')
      const version = await backend.lastUpdated()
      const [first, second] = [
        presence({ service: 'ünï "x" {y} ☂', bound: 1_500, version }),
        presence({ live: false, service: 's'.repeat(256) }),
      ]
      await backend.register?.(first, LONG)
      await other.register?.(second, LONG)
      const found = new Map((await listed(other)).map(record => [record.id, record]))
      assert.deepEqual(said(found.get(first.id) as Registered), first)
      assert.deepEqual(said(found.get(second.id) as Registered), second)
      await backend.register?.({ ...first, pid: 43, bound: undefined }, LONG)
      const renewed = (await listed(other)).find(({ id }) => id === first.id)
      assert.deepEqual([renewed?.pid, renewed?.bound], [43, undefined])
      assert.ok(Math.abs(renewed?.seenAgo as number) < world.patience, 'it was seen just now')
    }),

    'registering, acknowledging and leaving do not change the state': needs('presence', async world => {
      const backend = await world.backend<unknown>()
      await backend.persist('a', '1')
      const version = await backend.lastUpdated()
      const replica = presence({ bound: 10 })
      await backend.register?.(replica, LONG)
      await backend.acknowledge?.(replica.id, version)
      await backend.leave?.(replica.id)
      assert.ok(Object.is(await backend.lastUpdated(), version))
    }),

    'a replica that left is not listed, and acknowledging does not bring it back': needs('presence', async world => {
      const [backend, other] = [await world.backend<unknown>(), await world.backend<unknown>()]
      const [gone, still] = [presence({ bound: 10 }), presence()]
      for (const replica of [gone, still]) await backend.register?.(replica, LONG)
      await backend.leave?.(gone.id)
      await backend.acknowledge?.(gone.id, await backend.lastUpdated())
      await backend.leave?.('never-registered')
      assert.deepEqual(await idsOf(other), [still.id])
    }),

    'a record expires some time after its TTL, and not before': needs('presence', async world => {
      const [backend, other] = [await world.backend<unknown>(), await world.backend<unknown>()]
      const [TTL, replica] = [60, presence({ bound: 30 })]
      const isListed = async () => idsIn(await commitEverywhere(other))?.includes(replica.id) === true
      let gone = Number.NEGATIVE_INFINITY
      const registering = performance.now()
      await backend.register?.(replica, TTL)
      await renewUntil(world, other, async () => {
        const asked = await isListed()
        gone = performance.now()
        return !asked
      })
      assert.ok(gone - registering >= TTL, 'a writer must see a record until its TTL has passed')
      assert.ok(!(await idsOf(other)).includes(replica.id))
    }),

    'the registries of two stores are separate': needs('presence', async world => {
      const [backend, stranger] = [await world.backend<unknown>(), await world.elsewhere()]
      await backend.register?.(presence({ bound: 10 }), LONG)
      assert.deepEqual(await idsOf(stranger as Backend<unknown>), [])
    }),

    'the bound of a record counts as recorded until no record needs it': needs('presence', async world => {
      const [backend, other] = [await world.backend<unknown>(), await world.backend<unknown>()]
      const [large, small] = [presence({ bound: 5_000 }), presence({ bound: 40 })]
      await backend.register?.(large, LONG)
      await other.register?.(small, LONG)
      assert.equal(await boundOf(other), 5_000)
      await backend.leave?.(large.id)
      await renewUntil(world, other, async () => (await boundOf(other)) === 40)
      await other.leave?.(small.id)
      await renewUntil(world, other, async () => (await boundOf(other)) === 0)
    }),

    'the bound of a replica that is not in the registry stays recorded': needs('presence', async world => {
      const [backend, other] = [await world.backend<unknown>(), await world.backend<unknown>()]
      await backend.registerMaxStaleness?.(70)
      const replica = presence({ bound: 5_000 })
      await other.register?.(replica, LONG)
      assert.equal((await commitEverywhere(other)).registry?.unregistered, 70)
      await other.leave?.(replica.id)
      await renewUntil(world, other, async () => (await boundOf(other)) === 70)
      assert.equal((await other.replicas?.())?.unregistered, 70)
    }),
  },
}

export const acknowledgements: Topic = {
  title: 'acknowledgements of the backend',
  tests: {
    'commit() returns the registry if it was asked for acknowledgements, and only then': needs(
      'presence',
      async world => {
        const [backend, other] = [await world.backend<unknown>(), await world.backend<unknown>()]
        const replica = presence({ bound: 10 })
        await other.register?.(replica, LONG)
        assert.deepEqual(idsIn(await commitEverywhere(backend, set('a', '1'))), [replica.id])
        const { registry } = await commitEverywhere(backend, remove('missing'))
        assert.deepEqual(said(registry?.replicas[0] as Registered), replica)
        const batch = { id: 'plain', groups: [{ conditions: [], operations: [set('a', '2')] }] }
        const plain = await backend.commit?.(batch, await backend.lastUpdated(), new AbortController().signal)
        assert.equal(plain?.registry, undefined)
      },
    ),

    'the registry of a commit names each replica that may have missed it': needs('presence', async world => {
      const [backend, other] = [await world.backend<unknown>(), await world.backend<unknown>()]
      for (const n of range(20)) {
        const replica = presence({ bound: 10 })
        const registering = async () => {
          for (const _ of range(n % 4)) await turn()
          await other.register?.(replica, LONG)
          return other.lastUpdated()
        }
        const [committed, seen] = await Promise.all([commitEverywhere(backend, set('a', `${n}`)), registering()])
        const { catchUp } = committed
        const sawIt = catchUp.type !== 'tooOld' && Object.is(seen, catchUp.version)
        assert.ok(
          sawIt || idsIn(committed)?.includes(replica.id),
          'a replica neither saw the commit nor is in its registry',
        )
        await other.leave?.(replica.id)
      }
    }),

    'the change log says which changes ask for acknowledgements': needs(['presence', 'changesSince'], async world => {
      const [backend, other] = [await world.backend<unknown>(), await world.backend<unknown>()]
      const since = await other.lastUpdated()
      await backend.persist('a', '1')
      await commitEverywhere(backend, set('a', '2'))
      const answer = await other.changesSince?.(since)
      assert.ok(answer?.type === 'changes')
      assert.deepEqual(
        answer.changes.map(({ acknowledge = false }) => acknowledge),
        [false, true],
      )
    }),

    'a pushed change asks for acknowledgements if its commit did': needs(['presence', 'subscribe'], async world => {
      const [backend, other] = [await world.backend<unknown>(), await world.backend<unknown>()]
      const asked = new Promise<boolean>(resolve => {
        void other.subscribe?.({
          changed: change => resolve(!change || change.acknowledge === true),
          interrupted: () => {},
        })
      })
      await turn()
      await world.within(pushUntil(backend, asked), 'subscribe() must report a change')
      assert.ok(await asked, 'a change that is pushed with its content must say that it asks')
    }),

    'a replica is reported once it holds the version or a later one': needs('presence', async world => {
      const [backend, other] = [await world.backend<unknown>(), await world.backend<unknown>()]
      const [exact, later, renewed] = range(3).map(() => presence({ bound: LONG })) as [Presence, Presence, Presence]
      for (const replica of [exact, later, renewed]) await other.register?.(replica, LONG)
      const version = await versionAfter(backend, set('a', '1'))
      const waiting = waitFor(world, backend, version, [exact.id, later.id, renewed.id])
      await other.acknowledge?.(exact.id, version)
      await waiting.reported(exact.id)
      await backend.persist('a', '2')
      await other.acknowledge?.(later.id, await other.lastUpdated())
      await waiting.reported(later.id)
      await other.register?.({ ...renewed, version: await other.lastUpdated() }, LONG)
      await waiting.reported(renewed.id)
      await waiting.settled()
    }),

    'a replica that holds the version already is reported': needs('presence', async world => {
      const [backend, other] = [await world.backend<unknown>(), await world.backend<unknown>()]
      await backend.persist('a', '1')
      const version = await other.lastUpdated()
      const replica = presence({ bound: LONG, version })
      await other.register?.(replica, LONG)
      const waiting = waitFor(world, backend, version, [replica.id])
      await waiting.reported(replica.id)
      await waiting.settled()
    }),

    'a replica that left is reported': needs('presence', async world => {
      const [backend, other] = [await world.backend<unknown>(), await world.backend<unknown>()]
      const replica = presence({ bound: LONG })
      await other.register?.(replica, LONG)
      const waiting = waitFor(world, backend, await versionAfter(backend, set('a', '1')), [replica.id])
      await other.leave?.(replica.id)
      await waiting.reported(replica.id)
      await waiting.settled()
    }),

    'a replica that holds an older or a foreign version, or none, is not reported': needs('presence', async world => {
      const [backend, other] = [await world.backend<unknown>(), await world.backend<unknown>()]
      const stranger = await world.elsewhere()
      for (const n of range(5)) await stranger.persist('a', `${n}`)
      await backend.persist('a', '0')
      const [older, foreign, none, asked] = [
        presence({ bound: LONG, version: await other.lastUpdated() }),
        presence({ bound: LONG, version: await stranger.lastUpdated() }),
        presence({ bound: LONG }),
        presence({ bound: LONG }),
      ]
      for (const replica of [older, foreign, none, asked]) await other.register?.(replica, LONG)
      const version = await versionAfter(backend, set('a', '1'))
      const waiting = waitFor(world, backend, version, [older.id, foreign.id, none.id, asked.id])
      await other.acknowledge?.(older.id, older.version as Version)
      await other.register?.(none, LONG)
      await other.acknowledge?.(asked.id, version)
      await waiting.reported(asked.id)
      assert.deepEqual(waiting.ids, [asked.id])
      await waiting.end()
    }),

    'waiting ends when the signal is aborted': needs('presence', async world => {
      const [backend, other] = [await world.backend<unknown>(), await world.backend<unknown>()]
      const replica = presence({ bound: LONG })
      await other.register?.(replica, LONG)
      const version = await versionAfter(backend, set('a', '1'))
      const waiting = waitFor(world, backend, version, [replica.id])
      await waiting.end()
      await other.acknowledge?.(replica.id, version)
      assert.deepEqual(waiting.ids, [])
    }),
  },
}

/** Some stores report nothing that was committed before the subscription is complete. */
async function pushUntil(backend: Backend<unknown>, pushed: Promise<unknown>): Promise<void> {
  let isPushed = false
  void pushed.then(() => {
    isPushed = true
  })
  for (let n = 0; !isPushed; n += 1) {
    await commitEverywhere(backend, set('a', `${n}`))
    await new Promise(resolve => setTimeout(resolve, 5))
  }
}

async function versionAfter(backend: Backend<unknown>, ...operations: Operation<unknown>[]): Promise<Version> {
  await commitEverywhere(backend, ...operations)
  return backend.lastUpdated()
}

/** Waits for acknowledgements, and records which replicas are reported. */
function waitFor(world: World, backend: Backend<unknown>, version: Version, ids: readonly string[]) {
  const ended = new AbortController()
  const found: string[] = []
  let wake = () => {}
  const acknowledged = (id: string) => {
    found.push(id)
    wake()
  }
  const waiting = Promise.resolve(backend.awaitAcknowledgements?.(version, ids, acknowledged, ended.signal))
  const reported = async (id: string) => {
    while (!found.includes(id)) {
      await new Promise<void>(resolve => {
        wake = resolve
      })
    }
  }
  return {
    ids: found,
    reported: (id: string) => world.within(reported(id), 'awaitAcknowledgements() must report the replica'),
    settled: () => world.within(waiting, 'awaitAcknowledgements() must settle when each was reported'),
    end: () => {
      ended.abort()
      return world.within(
        waiting.catch(() => {}),
        'awaitAcknowledgements() must settle after its signal was aborted',
      )
    },
  }
}
