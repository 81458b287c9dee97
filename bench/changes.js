// @ts-check
import { percentile } from './measure.js'
import { makeKey, makeSample } from './samples.js'

/** The step between consecutively written keys, so that they are spread over all. */
const STRIDE = 7_919

/**
 * Measures what one change costs another replica: each call follows a new change.
 * @param {Pick<import('./types.js').Dict, 'set'>} writer @param {number} size @param {number} count how many changes
 * the median is of
 */
export function changesBy(writer, size, count) {
  let written = 0
  return {
    /** The key that was written last. */
    key: () => makeKey(written % size),
    /** The time of one call after one change, in ns: the median of several. @param {() => Promise<unknown>} call */
    async timeAfter(call) {
      const times = []
      for (let index = 0; index < count; index += 1) {
        written += STRIDE
        await writer.set(makeKey(written % size), makeSample(written))
        const started = performance.now()
        await call()
        times.push((performance.now() - started) * 1e6)
      }
      return percentile(times, 0.5)
    },
  }
}
