import assert from 'node:assert/strict'
import { NotEverywhereError } from '../../errors/errors.js'
import { TIMING_OPTION } from '../../replica/presence-timing.js'
import { rejects, rejectsMisuse } from '../expect.js'
import { turn } from '../samples.js'
import { everyMode, needs, type Topic } from '../suite.js'
import type { AnyOptions } from '../world.js'
import { eventually, LONG, often, openStopped } from './fleet.js'

export const everywhere: Topic = {
  title: 'everywhere by acknowledgement',
  modes: everyMode,
  tests: {
    'a write with everywhere resolves when each replica has applied it, long before their bound': needs(
      'presence',
      async world => {
        const dict = await world.open()
        const options = { maxStaleness: LONG, ...often(world) }
        const [one, other] = [await world.open(options), await world.open(options)]
        await world.within(dict.set('a', 1, { everywhere: true }), 'the replicas must acknowledge')
        assert.deepEqual([one.local.get('a'), other.local.get('a')], [1, 1])
        assert.deepEqual([one.fresh.get('a'), other.fresh.get('a')], [1, 1])
      },
    ),
  },
}

export const acknowledging: Topic = {
  title: 'waiting for acknowledgements',
  tests: {
    'a live replica has applied a write with everywhere when it resolves': needs('presence', async world => {
      const [dict, other] = [await world.open(), await world.open({ live: true, maxStaleness: LONG })]
      for (const n of [1, 2, 3]) {
        await world.within(dict.set('a', n, { everywhere: true }), 'the replica must acknowledge')
        assert.equal(other.fresh.get('a'), n)
      }
    }),

    'a write with everywhere that changes nothing waits for no renewal of a live replica': needs(
      'presence',
      async world => {
        const rarely = { [TIMING_OPTION]: { ttl: LONG, renewEvery: LONG } } as AnyOptions
        const [dict, other] = [await world.open(), await world.open({ live: true, maxStaleness: LONG, ...rarely })]
        await dict.set('a', 1)
        await world.until(other, () => other.local.get('a') === 1)
        await world.within(dict.delete('b', { everywhere: true }), 'a replica that is current must acknowledge')
        await dict.set('a', 2)
        await world.until(other, () => other.local.get('a') === 2)
        await world.within(dict.setDefault('a', 3, { everywhere: true }), 'a replica that is current must acknowledge')
      },
    ),

    'a write with everywhere waits for a replica that says nothing until its bound has passed': needs(
      'presence',
      async world => {
        const dict = await world.open()
        const [other] = await openStopped(world, { maxStaleness: 60 })
        await other.sync()
        const before = performance.now()
        await dict.set('a', 1, { everywhere: true })
        assert.ok(performance.now() - before >= 60, 'the write must wait out the bound')
      },
    ),

    'a write with everywhere does not wait for a replica that closes': needs('presence', async world => {
      const dict = await world.open()
      const [other, tap] = await openStopped(world, { maxStaleness: LONG })
      let begun = () => {}
      const waits = new Promise<void>(resolve => {
        begun = resolve
      })
      const writing = dict.set('a', 1, { everywhere: { onProgress: () => begun() } })
      await waits
      tap.heal()
      await other.close()
      await world.within(writing, 'closing must end the wait')
      await world.within(dict.set('a', 2, { everywhere: true }), 'a closed replica is not waited for')
    }),

    'a write with everywhere waits for the bound of a replica outside the registry': needs('presence', async world => {
      const [dict, other] = [await world.open(), await world.open({ maxStaleness: 60, replicas: false })]
      await other.sync()
      const before = performance.now()
      await dict.set('a', 1, { everywhere: true })
      assert.ok(performance.now() - before >= 60, 'the write must wait out the bound')
    }),

    'after its timeout a write with everywhere rejects with NotEverywhereError, and is committed': needs(
      'presence',
      async world => {
        const dict = await world.open()
        await openStopped(world, { maxStaleness: LONG, service: 'silent' })
        const seen: [number, number, ...(string | undefined)[]][] = []
        const onProgress = ({ current, total, waitingFor }: Progress) => {
          seen.push([current, total, ...waitingFor.map(({ service }) => service)])
        }
        const error = await rejects(
          dict.set('a', 1, { everywhere: { timeout: 30, onProgress } }),
          NotEverywhereError,
          'a',
        )
        assert.deepEqual(
          error.waitingFor.map(({ pid, service }) => [pid, service]),
          [[process.pid, 'silent']],
        )
        assert.deepEqual(seen, [[0, 1, 'silent']])
        assert.equal(await (await world.open()).get('a'), 1)
      },
    ),

    'onProgress is called until every replica is current, and what it throws does not matter': needs(
      'presence',
      async world => {
        const dict = await world.open()
        const options = { maxStaleness: LONG, ...often(world) }
        await world.open(options)
        await world.open(options)
        const seen: number[] = []
        const onProgress = ({ current, total }: Progress) => {
          seen.push(current / total)
          throw new Error('the progress bar broke')
        }
        await world.within(dict.set('a', 1, { everywhere: { onProgress } }), 'the replicas must acknowledge')
        assert.deepEqual([...seen].sort(), seen)
        assert.equal(seen.at(-1), 1)
      },
    ),

    'the rejection of an async onProgress reaches neither the write nor the process': needs('presence', async world => {
      const dict = await world.open()
      const unhandled: unknown[] = []
      const note = (reason: unknown) => unhandled.push(reason)
      process.on('unhandledRejection', note)
      try {
        const onProgress = async () => {
          throw new Error('the progress bar broke')
        }
        await dict.set('a', 1, { everywhere: { onProgress } })
        await turn()
        assert.deepEqual(unhandled, [])
      } finally {
        process.off('unhandledRejection', note)
      }
    }),

    'everywhere must be a boolean or an object of its options': needs('presence', async world => {
      const dict = await world.open()
      for (const wrong of ['yes', 1, null, { timeout: 0 }, { onProgress: 1 }, { wait: 1 }]) {
        await rejectsMisuse(dict.set('a', 1, { everywhere: wrong as never }))
      }
      assert.equal(await dict.get('a'), undefined)
    }),

    // Without changesSince(), any change may be one that asks.
    'an ordinary write asks nobody': needs(['presence', 'changesSince'], async world => {
      const [tap, otherTap] = [await world.tap(), await world.tap()]
      const [dict, other] = [await world.openOn(tap), await world.openOn(otherTap, { live: true, maxStaleness: LONG })]
      const extra = () => otherTap.count('acknowledge') + tap.count('replicas', 'awaitAcknowledgements')
      await eventually(world, async () => otherTap.count('acknowledge') > 0)
      const before = extra()
      for (const n of [1, 2, 3]) await dict.set('a', n)
      await world.until(other, () => other.local.get('a') === 3)
      await turn()
      assert.equal(extra(), before)
      const asked = tap.calls.filter(
        ({ method, args }) => method === 'commit' && (args[0] as Asked).acknowledge === true,
      )
      assert.equal(asked.length, 0)
    }),
  },
}

interface Progress {
  readonly current: number
  readonly total: number
  readonly waitingFor: readonly { readonly service?: string | undefined }[]
}

interface Asked {
  readonly acknowledge?: boolean
}
