// @ts-check
import { MemoryDict, MemoryStore } from '../../dist/index.js'
import { catchUp } from '../benches/catch-up.js'
import { diagnostics } from '../benches/diagnostics.js'
import { encodings } from '../benches/encodings.js'
import { footprint } from '../benches/footprint.js'
import { liveLatencyInProcess } from '../benches/live.js'
import { awaitedReads, derivedReads, localReads, snapshots } from '../benches/local-reads.js'
import { makeEntries } from '../samples.js'

/** @typedef {import('../types.js').Dict} Dict */

/** The dictionary itself, on a store that costs almost nothing. @type {import('../types.js').Suite} */
export const suite = {
  name: 'memory',
  engine: async () => 'a Map of this process',
  makePlace: (_folder, count) => findPlace(count),
  findPlace: address => findPlace(/** @type {number} */ (address)),
  benches: {
    localReads,
    awaitedReads,
    derivedReads,
    snapshots,
    catchUp,
    footprint,
    liveLatencyInProcess,
    encodings,
    diagnostics,
  },
}

/** @param {number} count @returns {Promise<import('../types.js').Place>} */
async function findPlace(count) {
  const store = new MemoryStore()
  const filler = await MemoryDict.open(store)
  await filler.update(makeEntries(count))
  await filler.close()
  // Concatenated text takes more memory until it is first read, which must not count for the readers.
  for (const [, text] of store.load().entries) JSON.parse(String(text))
  return {
    address: count,
    open: async options => /** @type {Dict} */ (await MemoryDict.open(store, options)),
    openPlain: async () => ({
      get: () => undefined,
      readAll: () => new Map(store.load().entries),
      set: () => {},
      setAll: () => {},
      close: () => {},
    }),
  }
}
