// @ts-check
import { inProcess } from '../in-process.js'
import { percentile, spread } from '../measure.js'
import { judged } from '../rows.js'

/** @typedef {import('../types.js').Context} Context */

/** Heap and buffers, each variant in a process of its own. @type {import('../types.js').Bench} */
export async function footprint(context) {
  const size = context.quick ? 5_000 : 100_000
  const { address } = await context.place(size)
  const rounds = context.quick ? 1 : 5
  /** @type {Record<string, number[]>} */
  const bytes = { strings: [], unread: [], values: [], read: [] }
  for (let round = 0; round < rounds; round += 1) {
    // Concurrently: their memory does not depend on their speed.
    const variants = Object.entries(bytes)
    await Promise.all(variants.map(async ([variant, all]) => all.push(await measure(context, variant, address))))
  }
  const keys = `${size.toLocaleString('en')} entries`
  return [
    row(`memory, ${keys}, no value read yet`, bytes.unread, 'Map of the undecoded strings', bytes.strings, 1.5),
    row(`memory, ${keys}, every value read`, bytes.read, 'Map of the decoded values', bytes.values),
  ]
}

/** @param {Context} context @param {string} variant @param {unknown} address @returns {Promise<number>} */
async function measure({ suite }, variant, address) {
  const task = new URL('../tasks/footprint.js', import.meta.url)
  return /** @type {number} */ (await inProcess(task, [suite.name, variant, JSON.stringify(address)]))
}

/**
 * @param {string} name
 * @param {readonly number[] | undefined} ours
 * @param {string} baseName
 * @param {readonly number[] | undefined} base
 * @param {number} [atMost]
 */
function row(name, ours = [], baseName, base = [], atMost) {
  return judged({
    name,
    ours: { value: percentile(ours, 0.5), unit: 'B' },
    base: { name: baseName, value: percentile(base, 0.5), unit: 'B' },
    ratio: { ...spread(ours.map((taken, round) => taken / (base[round] ?? Number.NaN))), of: 'size' },
    ...(atMost !== undefined && { target: { atMost } }),
  })
}
