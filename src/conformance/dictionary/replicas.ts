import assert from 'node:assert/strict'
import { UnsupportedError } from '../../errors/errors.js'
import { rejects, rejectsMisuse } from '../expect.js'
import { lacks, needs, type Topic } from '../suite.js'
import type { Dict } from '../world.js'
import { eventually, LONG, often, openStopped } from './fleet.js'

const stateOf = async (dict: Dict, service: string) =>
  (await dict.replicas()).find(replica => replica.service === service)

export const replicas: Topic = {
  title: 'replicas()',
  tests: {
    'replicas() lists each open dictionary, and none that was closed': needs('presence', async world => {
      const [dict, other] = [
        await world.open({ service: 'ours' }),
        await world.open({ service: 'theirs', maxStaleness: LONG }),
      ]
      const found = new Map((await dict.replicas()).map(one => [one.service, one]))
      assert.deepEqual([...found.keys()].sort(), ['ours', 'theirs'])
      assert.equal(found.get('ours')?.pid, process.pid)
      assert.equal(found.get('theirs')?.maxStaleness, LONG)
      assert.notEqual(found.get('ours')?.id, found.get('theirs')?.id)
      assert.ok(found.get('ours')?.lastSeen instanceof Date)
      await other.close()
      assert.deepEqual(
        (await dict.replicas()).map(({ service }) => service),
        ['ours'],
      )
    }),

    'replicas() says which replicas are behind': needs(['presence', 'changesSince'], async world => {
      const tap = await world.tap()
      const [dict, other] = [
        await world.open({ service: 'ours', ...often(world) }),
        await world.openOn(tap, { service: 'theirs' }),
      ]
      // It expects renewals as rarely as they come: for the first one, the second would soon be silent.
      const reader = await world.open()
      assert.equal((await stateOf(reader, 'theirs'))?.state, 'current')
      for (const n of [1, 2, 3]) await dict.set('a', n)
      const { state, behind } = (await stateOf(reader, 'theirs')) ?? {}
      assert.deepEqual([state, behind], ['behind', 3])
      await eventually(world, async () => (await stateOf(reader, 'ours'))?.state === 'current')
      await other.close()
    }),

    'replicas() calls a replica silent that no longer renews its record': needs('presence', async world => {
      const dict = await world.open({ service: 'ours', ...often(world) })
      const [other] = await openStopped(world, { service: 'theirs', ...often(world) })
      await eventually(world, async () => (await stateOf(dict, 'theirs'))?.state === 'silent')
      await other.close()
    }),

    'a dictionary with { replicas: false } or { readOnly: true } is not listed': needs('presence', async world => {
      const dict = await world.open({ service: 'ours' })
      await world.open({ service: 'hidden', replicas: false })
      const reader = await world.open({ service: 'reader', readOnly: true })
      assert.deepEqual(
        (await reader.replicas()).map(({ service }) => service),
        ['ours'],
      )
      assert.equal((await dict.replicas()).length, 1)
    }),

    'a dictionary that cannot register opens without a bound, and rejects with one': needs('presence', async world => {
      const [tap, bounded] = [await world.tap(), await world.tap()]
      for (const one of [tap, bounded]) one.failBefore('register')
      const dict = await world.openOn(tap)
      await dict.set('a', 1)
      assert.deepEqual(await dict.replicas(), [])
      await assert.rejects(world.openOn(bounded, { maxStaleness: LONG }))
      assert.equal(bounded.count('close'), 1)
    }),

    'service must be a text of at most 256 bytes, and replicas a boolean': async world => {
      for (const wrong of ['', 'x'.repeat(257), '\ud800', 1])
        await rejectsMisuse(world.open({ service: wrong as never }))
      await rejectsMisuse(world.open({ replicas: 'no' as never }))
    },

    'replicas() rejects with UnsupportedError without a registry': lacks('presence', async world => {
      await rejects((await world.open()).replicas(), UnsupportedError)
    }),
  },
}
