// @ts-check
/** @import { Store } from './stores.js' */
import { Random } from '../../random.js'
import { silence } from '../silence.js'
import { Round } from './round.js'

/**
 * Damages one record after the other in stores that are in use, until a round fails or the time is over.
 * @param {Store} store it is stopped at the end
 * @param {{ seed: string, ms?: number, rounds?: number }} options
 */
export async function damage(store, { seed, ms = Number.POSITIVE_INFINITY, rounds = Number.POSITIVE_INFINITY }) {
  const start = performance.now()
  const quiet = silence()
  let count = 0
  try {
    for (; count < rounds && performance.now() - start < ms; count += 1) {
      const failure = await roundOf(store, `${seed}.${count}`, quiet.check)
      if (failure) return { rounds: count + 1, failure }
    }
    return { rounds: count, failure: undefined }
  } finally {
    await quiet.end()
    await store.stop()
  }
}

/** @param {Store} store @param {string} seed @param {() => void} check @returns {Promise<string | undefined>} why it failed */
async function roundOf(store, seed, check) {
  const place = await store.create()
  const round = new Round(place, new Random(seed))
  try {
    await round.run()
    // Warnings come in the next turn.
    await new Promise(resolve => setImmediate(resolve))
    check()
    return undefined
  } catch (error) {
    await round.end().catch(() => {})
    return `${/** @type {Error} */ (error).stack}\n\nRound ${seed}:\n${round.log.join('\n')}`
  } finally {
    await place.dispose?.()
  }
}
