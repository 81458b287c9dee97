import { DurableDictError } from '../../errors/errors.js'
import { now, delay as pause } from '../../time/clock.js'
import { isConflict } from '../sql/error-kinds.js'
import { LONGEST_PAUSE } from './commits/commits.js'

/** The caller has stopped waiting. */
export class GivenUp extends Error {}

/**
 * Retries idempotent work after conflicts, within the call's time limit, and once after another failure: pools hand out connections that
 * a restarted server has closed.
 */
export async function again<V>(timeout: number, work: () => Promise<V>): Promise<V> {
  const end = now() + timeout
  for (let faults = 0; ; ) {
    try {
      return await work()
    } catch (error) {
      if (error instanceof DurableDictError || error instanceof GivenUp || now() > end) throw error
      if (!isConflict(error)) faults += 1
      if (faults > 1) throw error
      if (faults === 0) await pause(Math.random() * LONGEST_PAUSE)
    }
  }
}
