// @ts-check
import { openRivals } from '../../redis/rivals.js'
import { makeEntries } from '../../samples.js'
import { openClientSideCache } from './clients.js'

/**
 * The alternatives, with so many samples, each read once so that it is in their memory, if they have one. A quick run
 * omits those that must be installed.
 * @param {string} url
 * @param {number} count
 * @param {boolean} quick
 */
export async function filledRivals(url, count, quick) {
  const rivals = [await openClientSideCache(url), ...(quick ? [] : await openRivals(url))]
  for (const rival of rivals) {
    for (const [key, value] of makeEntries(count)) await rival.set(key, value)
    for (const [key] of makeEntries(count)) {
      if ((await rival.get(key)) === undefined) throw new Error(`${rival.name} does not hold what was written.`)
    }
  }
  return rivals
}
