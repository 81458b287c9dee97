// @ts-check
import { collect, compare, repeated } from '../measure.js'
import { compared } from '../rows.js'
import { makeEntries, makeKeys, shuffled } from '../samples.js'

/** @typedef {import('../types.js').Context} Context */

/** Reads from memory against reads from a `Map` of the same values. @type {import('../types.js').Bench} */
export async function localReads(context) {
  const sizes = context.quick ? [1_000, 20_000] : [1_000, 1_000_000]
  const rows = []
  for (const size of sizes) rows.push(await localGet(context, size))
  return rows
}

/** @param {Context} context @param {number} size */
async function localGet(context, size) {
  const { local, map, keys } = await prepare(context, size)
  const passes = Math.max(1, Math.round((context.quick ? 20_000 : 2_000_000) / size))
  // Two loops rather than one for both: the compiler must see one kind of map in each.
  const readLocal = () => {
    let sum = 0
    for (let pass = 0; pass < passes; pass += 1) for (const key of keys) sum = (sum + (local.get(key)?.limit ?? 0)) | 0
    return sum
  }
  const readMap = () => {
    let sum = 0
    for (let pass = 0; pass < passes; pass += 1) for (const key of keys) sum = (sum + (map.get(key)?.limit ?? 0)) | 0
    return sum
  }
  const measured = await compare({
    ours: repeated(size * passes, readLocal),
    base: repeated(size * passes, readMap),
    rounds: context.quick ? 5 : 21,
    of: 'speed',
  })
  return compared(`local.get, ${size.toLocaleString('en')} keys`, 'Map.get', measured, { atLeast: 0.8 })
}

/** A dictionary and a map of the same values, both read once in order, and the keys in another order. */
async function prepare(/** @type {Context} */ context, /** @type {number} */ size) {
  const dict = await (await context.place(size)).open({ autosync: false })
  const { local } = dict
  // Decoded in the order of the keys, as the map is filled, so that neither side has better memory locality later.
  for (const key of makeKeys(size)) local.get(key)
  const map = new Map(makeEntries(size))
  collect()
  return { dict, local, map, keys: shuffled(makeKeys(size)) }
}

/**
 * An awaited read without a check, against awaiting an async function that returns from a map.
 * @type {import('../types.js').Bench}
 */
export async function awaitedReads(context) {
  const size = 1_000
  const { dict, map, keys } = await prepare(context, size)
  const passes = context.quick ? 5 : 200
  const fromMap = async (/** @type {string} */ key) => map.get(key)
  const readDict = async () => {
    let sum = 0
    for (let pass = 0; pass < passes; pass += 1) {
      for (const key of keys) sum = (sum + ((await dict.get(key))?.limit ?? 0)) | 0
    }
    return sum
  }
  const readMap = async () => {
    let sum = 0
    for (let pass = 0; pass < passes; pass += 1) {
      for (const key of keys) sum = (sum + ((await fromMap(key))?.limit ?? 0)) | 0
    }
    return sum
  }
  const measured = await compare({
    ours: repeated(size * passes, readDict),
    base: repeated(size * passes, readMap),
    rounds: context.quick ? 5 : 21,
  })
  return [compared('await get, autosync: false', 'await an async function on a Map', measured, { atMost: 2 })]
}

/** A consistent state for the length of a request, against a copy of a map. @type {import('../types.js').Bench} */
export async function snapshots(context) {
  const size = context.quick ? 5_000 : 100_000
  const dict = await (await context.place(size)).open({ autosync: false })
  const map = new Map(makeEntries(size))
  const [first = ''] = makeKeys(1)
  const value = map.get(first)
  const measured = await compare({
    // Each of a new state, since an unchanged one costs nothing.
    ours: async () => {
      if (value) await dict.set(first, value)
      const started = performance.now()
      const snapshot = await dict.snapshot()
      const elapsed = performance.now() - started
      return snapshot.size === size ? elapsed * 1e6 : Number.NaN
    },
    base: repeated(1, () => new Map(map).size),
    rounds: context.quick ? 5 : 101,
  })
  return [compared(`snapshot() of ${size.toLocaleString('en')} keys`, 'new Map(map)', measured)]
}

/** A value computed from an unchanged state, against a read from a map. @type {import('../types.js').Bench} */
export async function derivedReads(context) {
  const { dict, map } = await prepare(context, 1_000)
  const [first = ''] = makeKeys(1)
  const derived = dict.derive(state => state.get(first)?.limit ?? 0, { keys: [first] })
  const reads = context.quick ? 20_000 : 1_000_000
  const readDerived = () => {
    let sum = 0
    for (let read = 0; read < reads; read += 1) sum = (sum + derived.current) | 0
    return sum
  }
  const readMap = () => {
    let sum = 0
    for (let read = 0; read < reads; read += 1) sum = (sum + (map.get(first)?.limit ?? 0)) | 0
    return sum
  }
  const measured = await compare({
    ours: repeated(reads, readDerived),
    base: repeated(reads, readMap),
    rounds: context.quick ? 5 : 21,
  })
  return [compared('derived.current, nothing changed', 'Map.get', measured)]
}
