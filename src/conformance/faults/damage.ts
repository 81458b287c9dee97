import assert from 'node:assert/strict'
import type { CatchUp, Version } from '../../contract/backend.js'
import type { FaultyBackend } from '../faulty-backend.js'
import { range, turn } from '../samples.js'
import { everyMode, needs, type Topic } from '../suite.js'

let named = 0

/** Answers `changesSince(base)` like a backend that cannot read one of its records. */
function damaged(tap: FaultyBackend, base: Version, damage: string): void {
  tap.intercept('changesSince', (proceed, since, ...rest) =>
    Object.is(since, base)
      ? ({ type: 'tooOld', diverged: true, damage } satisfies CatchUp<unknown>)
      : proceed(since, ...rest),
  )
}

/** A tap whose dictionary has a unique name, because warnings are limited by name. */
async function namedTap(world: { tap(): Promise<FaultyBackend> }) {
  const tap = await world.tap()
  named += 1
  const name = `damaged ${named}`
  Object.assign(tap.backend, { name })
  return { tap, name }
}

export const damagedRecords: Topic = {
  title: 'a damaged record',
  modes: everyMode,
  tests: {
    'a damaged record causes a full load, a sync event with reason diverged and one warning': needs(
      'changesSince',
      async world => {
        const { tap, name } = await namedTap(world)
        const [dict, other] = [await world.openOn(tap), await world.open()]
        await dict.set('a', 1)
        await dict.sync()
        const warnings: string[] = []
        const listener = ({ message }: Error) => void (message.includes(`"${name}"`) && warnings.push(message))
        process.on('warning', listener)
        const reasons: string[] = []
        dict.on('sync', ({ reason }) => reasons.push(reason))
        damaged(tap, dict.version, 'the third record of the log')
        await other.update({ a: 2, b: 3 })
        await Promise.all(range(3).map(() => dict.sync()))
        assert.deepEqual(Object.fromEntries(dict.local), { a: 2, b: 3 })
        await dict.set('c', 4)
        await other.set('d', 5)
        await world.see(dict, () => dict.local.get('d') === 5)
        assert.deepEqual(Object.fromEntries(dict.local), { a: 2, b: 3, c: 4, d: 5 })
        // Warnings are emitted in the next turn of the event loop.
        await turn()
        process.off('warning', listener)
        const pushed = world.mode.live === true && world.supports('subscribe')
        if (pushed && warnings.length === 0) return
        assert.equal(reasons[0], 'diverged')
        assert.equal(warnings.length, 1)
        assert.match(String(warnings[0]), /the third record of the log/)
      },
    ),
  },
}
