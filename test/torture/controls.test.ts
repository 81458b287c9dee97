import { beforeAll, describe, expect, it } from 'vitest'
import { prepare } from '../../scripts/prepare.js'
import { perform } from '../../torture/controls/control.js'
import { CONTROLS } from '../../torture/controls/index.js'

beforeAll(() => prepare({ build: true }))

// Without these a checker that finds nothing would prove nothing.
describe('the torture test', { timeout: 60_000 }, () => {
  for (const control of CONTROLS) {
    it.concurrent(`notices where this rule is broken: ${control.rule}`, async () => {
      const { violations } = await perform(control, { broken: true })
      expect(violations).not.toEqual([])
    })

    it.concurrent(`has nothing to say where it is kept: ${control.rule}`, async () => {
      const { violations } = await perform(control, { broken: false })
      expect(violations).toEqual([])
    })
  }
})
