// @ts-check
/** @import { Dict } from '../scene.js' */
/** @import { Random } from '../../random.js' */

/** The entries of a store before it is damaged. The value of `s` is a secret: no message may contain it. */
export const ENTRIES = ['a', 'b', 's', 'big', 'ключ']

/** Soon, so that a round is short; a damaged bound must not make a write wait for longer. */
const SOON = { timeout: 50 }

/** @param {AsyncIterable<any>} iterable */
async function collect(iterable) {
  const items = []
  for await (const item of iterable) items.push(item)
  return items
}

/** Calls that meet what is stored. @type {Readonly<Record<string, (dict: Dict, key: string, random: Random) => unknown>>} */
export const CALLS = {
  get: (dict, key) => dict.get(key),
  has: (dict, key) => dict.has(key),
  entries: dict => dict.entries(),
  iterate: dict => collect(dict),
  snapshot: async dict => [...(await dict.snapshot())],
  toObject: async dict => Object.entries((await dict.snapshot()).toObject()),
  local: dict => [...dict.local],
  set: (dict, key) => dict.set(key, { new: key }, { by: 'ada' }),
  delete: (dict, key) => dict.delete(key),
  pop: (dict, key) => dict.pop(key),
  setDefault: (dict, key) => dict.setDefault(key, 7),
  update: dict => dict.update({ a: 1, b: [2] }, { reason: 'because' }),
  clear: dict => dict.clear(),
  transact: (dict, key) => dict.transact(tx => tx.set(key, [tx.get('a') ?? 0])),
  transactAll: dict => dict.transact(tx => tx.set('size', tx.size())),
  everywhere: (dict, key) => dict.set(key, 'everywhere', { everywhere: SOON }),
  sync: dict => dict.sync(),
  touch: (dict, key) => dict.touch(key),
  touchAll: dict => dict.touch(),
  reencode: dict => dict.reencode(),
  replicas: async dict => (await dict.replicas()).map(({ lastSeen }) => lastSeen.toISOString()),
  history: async dict =>
    (await dict.history().toArray()).map(({ at, changes }) => [at.toISOString(), ...changes.map(sides)]),
  historyOfKey: async (dict, key) => (await dict.history({ key, limit: 2 }).toArray()).length,
  at: async (dict, _key, random) => [...(await dict.at((await someId(dict, random)) ?? 'none'))],
  atDate: async dict => [...(await dict.at(new Date(Date.now() - 5)))],
  revert: async (dict, _key, random) =>
    dict.revert((await someId(dict, random)) ?? 'none', { force: random.chance(0.5) }),
  forget: dict => dict.history.forget({ by: 'ada' }),
  health: dict => [dict.health(), dict.stats(), dict.staleness, dict.version],
}

/** Each side of a change is decoded when it is read. @param {any} change */
function sides(change) {
  try {
    return [change.before, change.after]
  } catch (error) {
    if (/** @type {any} */ (error).code?.startsWith('DURABLEDICT_')) return error
    throw error
  }
}

/** @param {Dict} dict @param {Random} random */
async function someId(dict, random) {
  const commits = await dict.history().toArray()
  return commits.length === 0 ? undefined : random.pick(commits).id
}
