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
  let compared = 0
  try {
    for (; count < rounds && performance.now() - start < ms; count += 1) {
      const { failure, isWhole } = await roundOf(store, `${seed}.${count}`, quiet.check)
      if (isWhole) compared += 1
      if (failure) return { rounds: count + 1, compared, failure }
    }
    return { rounds: count, compared, failure: undefined }
  } finally {
    await quiet.end()
    await store.stop()
  }
}

/** Returns why the round failed, if it did, and whether memory was compared. @param {Store} store @param {string} seed @param {() => void} check */
async function roundOf(store, seed, check) {
  const place = await store.create()
  const round = new Round(place, new Random(seed))
  try {
    await round.run()
    // Warnings come in the next turn.
    await new Promise(resolve => setImmediate(resolve))
    check()
    return { isWhole: round.isWhole }
  } catch (error) {
    await round.end().catch(() => {})
    const failure = `${/** @type {Error} */ (error).stack}\n\nRound ${seed}:\n${round.log.join('\n')}`
    return { failure, isWhole: round.isWhole }
  } finally {
    await place.dispose?.()
  }
}
