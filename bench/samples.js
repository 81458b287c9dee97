// @ts-check

/** @typedef {import('./types.js').Sample} Sample */

/**
 * Keys as they come from the network or a database: a new flat string each time, never a shared or interned one. So every
 * lookup has to compare the text, on both sides of a comparison.
 * @param {number} count
 */
export function makeKeys(count) {
  return Array.from({ length: count }, (_, index) => makeKey(index))
}

/** @param {number} index */
export function makeKey(index) {
  return Buffer.from(`service.setting.${index}`, 'latin1').toString('latin1')
}

/** @param {number} index @returns {Sample} */
export function makeSample(index) {
  return { enabled: index % 2 === 0, limit: index, label: `Setting number ${index}` }
}

/** @param {number} count @param {number} [start] @returns {Generator<[string, Sample]>} */
export function* makeEntries(count, start = 0) {
  for (let index = start; index < start + count; index += 1) yield [makeKey(index), makeSample(index)]
}

/**
 * The items in a random order that is the same in every run.
 * @template T
 * @param {readonly T[]} items
 */
export function shuffled(items) {
  const result = [...items]
  let state = 20_260_101
  for (let end = result.length - 1; end > 0; end -= 1) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    const other = Math.floor((state / 2 ** 32) * (end + 1))
    const moved = /** @type {T} */ (result[end])
    result[end] = /** @type {T} */ (result[other])
    result[other] = moved
  }
  return result
}
