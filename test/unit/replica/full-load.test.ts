import { afterEach, describe, expect, test, vi } from 'vitest'
import type { Change } from '../../../src/contract/backend.js'
import { GatedBackend } from './gated-backend.js'
import { contentOf, openReplica, writeBehind } from './helpers.js'

/** More than the change log keeps. */
const MANY = 1_001

async function openBehind() {
  const backend = new GatedBackend()
  const replica = await openReplica(backend)
  for (let n = 0; n < MANY; n += 1) writeBehind(backend, 'a', String(n))
  const load = vi.spyOn(backend, 'load')
  return { backend, replica, load }
}

describe('a full load', () => {
  afterEach(() => vi.restoreAllMocks())

  test('in the background waits for a random time, so that a fleet does not load at once', async () => {
    const { replica, load } = await openBehind()
    vi.spyOn(Math, 'random').mockReturnValue(0.9)
    const startedAt = performance.now()
    await replica.refresh()
    expect(performance.now() - startedAt).toBeGreaterThan(85)
    expect(load).toHaveBeenCalledTimes(1)
    expect(contentOf(replica)).toEqual({ a: String(MANY - 1) })
  })

  test('with a waiting caller is sent at once', async () => {
    const { replica } = await openBehind()
    const random = vi.spyOn(Math, 'random')
    await replica.check()
    expect(random).not.toHaveBeenCalled()
    expect(contentOf(replica)).toEqual({ a: String(MANY - 1) })
  })

  test('does not apply a change pushed meanwhile, even if it chains', async () => {
    const { backend, replica } = await openBehind()
    const previous = replica.memory.version
    backend.gate('load')
    const check = replica.check()
    const held = await backend.held('load')
    const change: Change<unknown> = { previous, version: 'pushed', effects: [{ type: 'set', key: 'b', stored: '1' }] }
    expect(replica.push(change)).toBe(false)
    held.release()
    await check
    expect(contentOf(replica)).toEqual({ a: String(MANY - 1) })
  })
})
