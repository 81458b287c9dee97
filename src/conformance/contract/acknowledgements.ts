import assert from 'node:assert/strict'
import type { Backend, Operation, Version } from '../../contract/backend.js'
import type { Presence, Registered } from '../../contract/presence.js'
import { contents, range, sameEntries, turn } from '../samples.js'
import { needs, type Topic } from '../suite.js'
import type { World } from '../world.js'
import { remove, set } from './commit.js'
import { commitEverywhere, idsIn, LONG, presence, said } from './presence.js'

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

    'a batch that only asks for acknowledgements makes a change, but no commit': needs(
      ['presence', 'changesSince', 'history'],
      async world => {
        const [backend, other] = [await world.backend<unknown>(), await world.backend<unknown>()]
        await backend.persist('a', '1')
        const since = await other.lastUpdated()
        const { catchUp } = await commitEverywhere(backend)
        for (const answer of [catchUp, await other.changesSince?.(since)]) {
          assert.ok(answer?.type === 'changes')
          assert.deepEqual(
            answer.changes.map(({ acknowledge }) => acknowledge),
            [true],
          )
        }
        sameEntries(await contents(other), new Map([['a', '1']]))
        assert.equal((await other.history?.({ limit: 10 }))?.commits.length, 1)
        await backend.persist('a', '2')
        assert.equal((await other.history?.({ limit: 10 }))?.commits.length, 2)
      },
    ),

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
