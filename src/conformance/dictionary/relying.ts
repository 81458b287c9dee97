import assert from 'node:assert/strict'
import { StaleError } from '../../errors/errors.js'
import { needs, type Topic } from '../suite.js'
import type { Dict } from '../world.js'
import { eventually, LONG, often, SAYS } from './fleet.js'

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
      const relies = () => canRead(dict)
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
  } catch (error) {
    assert.ok(error instanceof StaleError)
    return false
  }
}
