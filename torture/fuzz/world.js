// @ts-check
import { isDeepStrictEqual } from 'node:util'
import { source } from './source.js'

/** @typedef {Map<string, unknown>} Model */

/** @typedef {{ by?: string | undefined, reason?: string | undefined }} Author */

/**
 * A state of the store, and the commit that made it.
 * @typedef {object} State
 * @property {Model} entries
 * @property {Map<string, { before: unknown, after: unknown }>} changes
 * @property {Author} author
 * @property {number} acknowledged when a caller knew of it at the latest, in ms
 */

/** Which states the memory of a dictionary may hold, and which ones it may not rely on. @typedef {{ from: number, to: number, everywhere: number }} Memory */

/** One explanation of everything seen so far: the commits in their order, and where the memory of each dictionary is. */
export class World {
  /** @param {readonly State[]} states @param {Readonly<Record<string, Memory>>} memories by name */
  constructor(states, memories) {
    this.states = states
    this.memories = memories
  }

  static empty() {
    return new World([{ entries: new Map(), changes: new Map(), author: {}, acknowledged: 0 }], {})
  }

  get last() {
    return this.states.length - 1
  }

  get now() {
    return /** @type {State} */ (this.states[this.last]).entries
  }

  /** Two worlds with the same fingerprint explain the same. */
  get fingerprint() {
    const states = this.states.map(({ entries, author, changes }) => [
      [...entries].map(source),
      author,
      // Values that are written again.
      [...changes.keys()],
    ])
    return JSON.stringify([states, this.memories])
  }

  /** @param {string} dict @param {Partial<Memory>} change */
  remember(dict, change) {
    const memory = { ...this.memoryOf(dict), ...change }
    return new World(this.states, { ...this.memories, [dict]: memory })
  }

  /** @param {string} dict @returns {Memory} */
  memoryOf(dict) {
    return this.memories[dict] ?? { from: this.last, to: this.last, everywhere: 0 }
  }

  /** The dictionary holds the latest state. @param {string} dict */
  current(dict) {
    return this.remember(dict, { from: this.last, to: this.last })
  }

  /** The dictionary may have caught up. @param {string} dict */
  uncertain(dict) {
    return this.remember(dict, { to: this.last })
  }

  /** No bounded read of these dictionaries may see an older state. @param {readonly string[]} dicts */
  everywhere(dicts) {
    return dicts.reduce((world, dict) => world.remember(dict, { everywhere: world.last }), /** @type {World} */ (this))
  }

  /** The same, with other entries at the end. @param {Model} entries */
  withEntries(entries) {
    return new World([{ entries, changes: new Map(), author: {}, acknowledged: 0 }], {})
  }

  /** Removes an author from all commits. @param {string} by */
  forget(by) {
    const states = this.states.map(state =>
      state.author.by === by ? { ...state, author: { ...state.author, by: undefined } } : state,
    )
    return new World(states, this.memories)
  }

  /**
   * Executes a group of operations as one commit, if it has an effect.
   * @param {(edit: Edit) => void} work @param {Author} author @param {number} acknowledged
   */
  commit(work, author, acknowledged) {
    const edit = new Edit(this.now)
    work(edit)
    if (edit.changes.size === 0) return this
    const state = { entries: edit.entries, changes: edit.changes, author, acknowledged }
    return new World([...this.states, state], this.memories)
  }

  /**
   * The earliest state in this range that explains what was seen: any later choice would only rule out more.
   * @param {string} dict @param {readonly [number, number]} range @param {(entries: Model) => boolean} explains
   */
  see(dict, [from, to], explains) {
    for (let index = from; index <= to; index += 1) {
      const { entries } = /** @type {State} */ (this.states[index])
      if (!explains(entries)) continue
      return this.remember(dict, {
        from: Math.max(index, this.memoryOf(dict).from),
        to: Math.max(index, this.memoryOf(dict).to),
      })
    }
    return undefined
  }
}

/** The operations of one commit on plain entries. */
export class Edit {
  /** @param {Model} before */
  constructor(before) {
    this.before = before
    this.entries = new Map(before)
    /** @type {State['changes']} */
    this.changes = new Map()
  }

  /** @param {string} key @param {unknown} value */
  set(key, value) {
    this.entries.set(key, value)
    this.changes.set(key, { before: this.before.get(key), after: value })
  }

  /** @param {Record<string, unknown>} entries */
  setAll(entries) {
    for (const [key, value] of Object.entries(entries)) this.set(key, value)
  }

  /** @param {string} key */
  delete(key) {
    if (!this.entries.delete(key)) return
    this.changes.set(key, { before: this.before.get(key), after: undefined })
  }

  clear() {
    for (const key of [...this.entries.keys()]) this.delete(key)
  }

  /** Forgets what was written and removed again. */
  settle() {
    for (const [key, { before, after }] of this.changes) {
      if (before === undefined && after === undefined) this.changes.delete(key)
    }
  }

  /** A change without another value. @param {string} key */
  touch(key) {
    this.changes.set(key, { before: this.before.get(key), after: this.entries.get(key) })
  }
}

/** @param {unknown} left @param {unknown} right */
export const same = (left, right) => isDeepStrictEqual(left, right)
