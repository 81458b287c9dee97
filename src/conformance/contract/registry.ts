import assert from 'node:assert/strict'
import type { Backend } from '../../contract/backend.js'
import type { Registered } from '../../contract/presence.js'
import { needs, type Topic } from '../suite.js'
import type { World } from '../world.js'
import { commitEverywhere, idsIn, idsOf, LONG, listed, presence, said } from './presence.js'

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
