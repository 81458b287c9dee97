import { beforeAll, describe, expect, it } from 'vitest'
import { prepare } from '../../scripts/prepare.js'
import { perform } from '../../torture/controls/control.js'
import { CONTROLS } from '../../torture/controls/index.js'

beforeAll(() => prepare({ build: true }))

// Without these, a checker that finds nothing would prove nothing.
describe('the torture test', { timeout: 180_000 }, () => {
  for (const control of CONTROLS) {
    it.concurrent(`detects a violation of this rule: ${control.rule}`, async () => {
      const { violations } = await perform(control, { broken: true })
      expect(violations).not.toEqual([])
    })
  }

  // Some rules share a scene.
  for (const control of new Map(CONTROLS.map(one => [one.play, one])).values()) {
    it.concurrent(`accepts a history that keeps this rule: ${control.rule}`, async () => {
      const { violations } = await perform(control, { broken: false })
      expect(violations).toEqual([])
    })
  }
})
