import { join } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import { prepare } from '../../scripts/prepare.js'
import { root } from '../../scripts/run.js'
import { CONTROLS, perform } from '../../torture/fuzz/controls.js'
import { fuzz } from '../../torture/fuzz/fuzz.js'
import { LONG } from '../form.js'

beforeAll(() => prepare({ build: true }))

/** How many programs run on each store. */
const PROGRAMS = { memory: LONG ? 4_000 : 80, sqlite: LONG ? 500 : 8 }

/** Those that are found soon; `npm run fuzz -- --controls` breaks every rule. */
const SHORT = CONTROLS.filter(({ isQuick }) => isQuick)

describe('random calls of the whole interface', { timeout: 300_000 }, () => {
  for (const [store, runs] of Object.entries(PROGRAMS)) {
    test(`agree with a model on ${store}`, async () => {
      const seed = Math.floor(Math.random() * 2 ** 31)
      const { failure } = await fuzz({ dist: join(root, 'dist'), store, runs, ms: 200_000, seed })
      expect(failure, `Repeat it with: npm run fuzz -- --store ${store} --seed ${seed}`).toBeUndefined()
    })
  }

  // Without these, a model that accepts everything would prove nothing.
  for (const control of LONG ? CONTROLS : SHORT) {
    test(`find a library that breaks this rule: ${control.rule}`, async () => {
      expect((await perform(control)).failure).toBeDefined()
    })
  }
})
