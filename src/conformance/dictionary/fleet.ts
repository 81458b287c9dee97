import { TIMING_OPTION } from '../../replica/presence-timing.js'
import type { FaultyBackend } from '../faulty-backend.js'
import type { AnyOptions, Dict, World } from '../world.js'

/** Longer than any test, in ms. */
export const LONG = 600_000

/** Registry records that are renewed often. */
export const often = (world: World, ttl = LONG): AnyOptions =>
  ({ [TIMING_OPTION]: { ttl, renewEvery: 20 * (world.patience / 5_000) } }) as AnyOptions

/** The methods that say which version a replica holds. */
export const SAYS = ['acknowledge', 'register'] as const

/** Opens a dictionary that says nothing from then on, as if its process were stopped. */
export async function openStopped(world: World, options: AnyOptions): Promise<[Dict, FaultyBackend]> {
  const tap = await world.tap()
  const dict = await world.openOn(tap, options)
  tap.hang(SAYS)
  return [dict, tap]
}

/** Asks again until it holds. */
export async function eventually(world: World, holds: () => Promise<boolean>): Promise<void> {
  const asking = async () => {
    while (!(await holds())) await new Promise(resolve => setTimeout(resolve, 5))
  }
  await world.within(asking(), `it must become true: ${holds}`)
}
