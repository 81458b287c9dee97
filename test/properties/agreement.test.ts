import fc from 'fast-check'
import { describe, test } from 'vitest'
import { command } from './commands.js'
import { kinds } from './places.js'
import { type Mode, Session } from './session.js'

/** Longer than any test takes, so that memory is confirmed within it at all times. */
const LONG = 3_600_000

const MODES: readonly Mode[] = [
  { name: 'autosync: true', options: { autosync: true }, checked: true, pushed: false },
  { name: 'autosync: false', options: { autosync: false }, checked: false, pushed: false },
  { name: 'live, autosync: true', options: { live: true }, checked: true, pushed: true },
  { name: 'live, autosync: false', options: { live: true, autosync: false }, checked: false, pushed: true },
  { name: 'maxStaleness', options: { maxStaleness: LONG }, checked: false, pushed: false },
]

const mode = fc.constantFrom(...MODES)

for (const kind of await kinds()) {
  describe(`Two dictionaries over one store agree with a Map: ${kind.name}`, () => {
    const check = (modes: fc.Arbitrary<readonly [Mode, Mode]>, runs: number) =>
      fc.assert(
        fc.asyncProperty(modes, fc.array(command, { maxLength: 40, size: 'max' }), async (modes, commands) => {
          const place = await kind.create()
          try {
            await Session.run(place, modes, commands)
          } finally {
            await place.dispose()
          }
        }),
        { numRuns: Math.ceil(runs * kind.share) },
      )

    for (const one of MODES) test(one.name, () => check(fc.constant([one, one]), 200), 60_000)

    test('each in its own mode', () => check(fc.tuple(mode, mode), 600), 60_000)
  })
}
