import { beforeAll, describe, expect, it } from 'vitest'
import { prepare } from '../../scripts/prepare.js'
import { limitOf, perform } from '../../torture/controls/control.js'
import { controlsOf } from '../../torture/controls/controls.js'
import * as redis from '../../torture/stores/redis/store.js'
import { LONG } from '../form.js'

const CONTROLS = controlsOf(redis)

beforeAll(() => prepare({ build: true }))

// Without these, a checker that finds nothing would prove nothing.
// Some play their scene several times, and each starts processes.
describe('the torture test', { timeout: 240_000 }, () => {
  for (const control of CONTROLS) {
    it.concurrent(`detects a violation of this rule: ${control.rule}`, async () => {
      const { violations, seconds } = await perform(redis, control, { broken: true })
      expect(violations).not.toEqual([])
      expect(seconds).toBeLessThan(limitOf(control))
    })
  }

  // torture.test.ts covers the unchanged build too. Some rules share a scene.
  for (const control of LONG ? new Map(CONTROLS.map(one => [one.play, one])).values() : []) {
    it.concurrent(`accepts a history that keeps this rule: ${control.rule}`, async () => {
      const { violations } = await perform(redis, control, { broken: false })
      expect(violations).toEqual([])
    })
  }
})
