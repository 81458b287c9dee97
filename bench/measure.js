// @ts-check

/** @typedef {import('./types.js').Spread} Spread */

/**
 * One round of a variant: does its work, and returns the time of one operation in nanoseconds.
 * @typedef {() => number | Promise<number>} Variant
 */

let sunk = 0

/** A sink for results, so that no compiler can remove the work as unused. @param {number} value */
export function sink(value) {
  sunk = (sunk + value) | 0
  return sunk
}

/**
 * A variant that runs `work` once, which does `count` operations and returns a number for the sink.
 * @param {number} count
 * @param {() => number | Promise<number>} work
 * @returns {Variant}
 */
export function repeated(count, work) {
  return async () => {
    const started = performance.now()
    const result = work()
    // A result that is already there is not awaited: that would add the time of a microtask.
    const value = typeof result === 'number' ? result : await result
    const elapsed = performance.now() - started
    sink(value)
    return (elapsed * 1e6) / count
  }
}

/** @typedef {{ ours: Variant, base: Variant, rounds: number, warmUp?: number }} Rounds */

/**
 * Runs two variants in turns (A B, B A, A B …), so that other load on the machine affects both.
 * @param {Rounds & { of?: 'time' | 'speed' }} options
 */
export async function compare({ of = 'time', ...options }) {
  return pooled([await compareRounds(options)], of)
}

/** The results of both in each round. @param {Rounds} options @returns {Promise<[ours: number, base: number][]>} */
export async function compareRounds({ ours, base, rounds, warmUp = 3 }) {
  /** @type {[number, number][]} */
  const pairs = []
  for (let round = -warmUp; round < rounds; round += 1) {
    const pair = round % 2 === 0 ? await inTurn(ours, base) : (await inTurn(base, ours)).reverse()
    if (round >= 0) pairs.push(/** @type {[number, number]} */ (pair))
  }
  return pairs
}

/**
 * The combined result of several runs of rounds.
 * @param {readonly (readonly [ours: number, base: number][])[]} runs @param {'time' | 'speed'} [of]
 */
export function pooled(runs, of = 'time') {
  const pairs = runs.flat()
  const ratios = pairs.map(([mine, other]) => (of === 'time' ? mine / other : other / mine))
  return {
    ours: percentile(
      pairs.map(([mine]) => mine),
      0.5,
    ),
    base: percentile(
      pairs.map(([, other]) => other),
      0.5,
    ),
    ratio: { ...spread(ratios), of },
  }
}

/** @param {Variant} first @param {Variant} second */
async function inTurn(first, second) {
  return [await first(), await second()]
}

/** @param {readonly number[]} values @returns {Spread} */
export function spread(values) {
  return {
    median: percentile(values, 0.5),
    low: percentile(values, 0.1),
    high: percentile(values, 0.9),
    rounds: values.length,
  }
}

/** @param {readonly number[]} values @param {number} share of the values below the result */
export function percentile(values, share) {
  const sorted = [...values].sort((left, right) => left - right)
  const position = (sorted.length - 1) * share
  const below = sorted[Math.floor(position)] ?? Number.NaN
  const above = sorted[Math.ceil(position)] ?? Number.NaN
  return below + (above - below) * (position - Math.floor(position))
}

/** Collects garbage, if the process was started with a flag that allows it. */
export function collect() {
  globalThis.gc?.()
}

/** Reads the keys one after the other, each awaited. @param {readonly string[]} keys @param {(key: string) => Promise<unknown>} get */
export function inSequence(keys, get) {
  return repeated(keys.length, async () => {
    let found = 0
    for (const key of keys) if ((await get(key)) !== undefined) found += 1
    return found
  })
}
