import assert from 'node:assert/strict'
import { NotEverywhereError, StaleError, UnsupportedError } from '../../errors/errors.js'
import { TIMING_OPTION } from '../../replica/presence-timing.js'
import { rejects, rejectsMisuse } from '../expect.js'
import type { FaultyBackend } from '../faulty-backend.js'
import { turn } from '../samples.js'
import { everyMode, lacks, needs, type Topic } from '../suite.js'
import type { AnyOptions, Dict, World } from '../world.js'

/** Longer than any test, in ms. */
const LONG = 600_000

/** Registry records that are renewed often. */
const often = (world: World, ttl = LONG): AnyOptions =>
  ({ [TIMING_OPTION]: { ttl, renewEvery: 20 * (world.patience / 5_000) } }) as AnyOptions

/** The methods that say which version a replica holds. */
const SAYS = ['acknowledge', 'register'] as const

/** Opens a dictionary that says nothing from then on, as if its process were stopped. */
async function openStopped(world: World, options: AnyOptions): Promise<[Dict, FaultyBackend]> {
  const tap = await world.tap()
  const dict = await world.openOn(tap, options)
  tap.hang(SAYS)
  return [dict, tap]
}

/** Asks again until it holds. */
async function eventually(world: World, holds: () => Promise<boolean>): Promise<void> {
  const asking = async () => {
    while (!(await holds())) await new Promise(resolve => setTimeout(resolve, 5))
  }
  await world.within(asking(), `it must become true: ${holds}`)
}

const stateOf = async (dict: Dict, service: string) =>
  (await dict.replicas()).find(replica => replica.service === service)

export const fleet: Topic = {
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

export const relying: Topic = {
  title: 'relying on memory',
  tests: {
    'a replica registers before it loads what it relies on': needs(['presence', 'load'], async world => {
      const tap = await world.tap()
      await world.openOn(tap, { live: true, maxStaleness: LONG })
      const methods = tap.calls.map(({ method }) => method)
      assert.ok(methods.indexOf('register') >= 0 && methods.indexOf('register') < methods.indexOf('load'))
    }),

    'a replica acknowledges a change only after it has applied it': needs('presence', async world => {
      const [dict, tap] = [await world.open(), await world.tap()]
      const other = await world.openOn(tap, { live: true, maxStaleness: LONG, ...often(world) })
      const early: unknown[] = []
      tap.intercept(['acknowledge', 'register'], (proceed, ...args) => {
        const said = typeof args[0] === 'string' ? args[1] : (args[0] as { version?: unknown }).version
        if (!Object.is(said, other.version)) early.push(said)
        return proceed(...args)
      })
      for (const n of [1, 2, 3]) {
        await world.within(dict.set('a', n, { everywhere: true }), 'the replica must acknowledge')
        assert.equal(other.local.get('a'), n)
      }
      assert.deepEqual(early, [])
    }),

    'a replica relies on memory only while its record is renewed': needs('presence', async world => {
      const tap = await world.tap()
      const ttl = 100 * (world.patience / 5_000)
      const dict = await world.openOn(tap, { live: true, maxStaleness: LONG, ...often(world, ttl) })
      const relies = () => {
        try {
          dict.fresh.get('a')
          return true
        } catch (error) {
          assert.ok(error instanceof StaleError)
          return false
        }
      }
      // On a busy machine, a renewal may be late.
      await eventually(world, async () => relies())
      tap.failBefore('register')
      const failing = performance.now()
      await eventually(world, async () => !relies())
      assert.ok(performance.now() - failing <= ttl + world.patience)
      await dict.sync()
      assert.ok(!relies(), 'a check is not enough: the record may have expired')
      tap.heal()
      await eventually(world, async () => relies())
    }),

    'a replica that was not registered for a while checks before it relies on memory again': needs(
      'presence',
      async world => {
        const [writer, tap] = [await world.open(), await world.tap()]
        const ttl = 60 * (world.patience / 5_000)
        const dict = await world.openOn(tap, { live: true, maxStaleness: LONG, ...often(world, ttl) })
        await dict.sync()
        tap.failBefore([...SAYS, ...world.path.check])
        await eventually(world, async () => !canRead(dict))
        await writer.set('a', 1)
        tap.heal()
        tap.hang(world.path.check)
        await world.within(tap.called('register'), 'it must register again')
        await new Promise(resolve => setTimeout(resolve, ttl / 3))
        assert.ok(!canRead(dict) || dict.local.get('a') === 1, 'memory was not checked since it registered again')
        tap.heal()
        await eventually(world, async () => canRead(dict))
        assert.equal(dict.fresh.get('a'), 1)
      },
    ),
  },
}

function canRead(dict: Dict): boolean {
  try {
    dict.fresh.get('a')
    return true
  } catch {
    return false
  }
}

interface Progress {
  readonly current: number
  readonly total: number
  readonly waitingFor: readonly { readonly service?: string | undefined }[]
}

interface Asked {
  readonly acknowledge?: boolean
}
