// @ts-check
/** @import { History, Operation } from '../types.js' */
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'

/** What an error implies for the effect of a write. @type {Readonly<Record<string, Operation['outcome']>>} */
const OUTCOMES = { DURABLEDICT_STORE_UNAVAILABLE: 'none', DURABLEDICT_CONFLICT: 'none' }

/** A write everywhere that took less, in ms, did not wait for the bounds of several seconds. */
const ACKNOWLEDGED = 2_000

/** @typedef {Record<string, any>} Line */

/** The records of every process, in order. An incomplete line of a killed process is left out. @param {string} folder */
async function linesIn(folder) {
  const files = (await readdir(folder)).filter(name => name.endsWith('.jsonl'))
  const texts = await Promise.all(files.map(name => readFile(join(folder, name), 'utf8')))
  return texts.flatMap(text => text.split('\n').slice(0, -1)).map(line => /** @type {Line} */ (JSON.parse(line)))
}

/** @param {string} folder @returns {Promise<{ history: History, figures: Map<string, number> }>} */
export async function readJournals(folder) {
  const reader = new Reader()
  for (const line of await linesIn(folder)) reader.take(line)
  return reader.result()
}

/** Makes a history of the records. */
class Reader {
  /** @type {History} */
  #history = {
    operations: [],
    losses: [],
    seen: [],
    held: [],
    looks: [],
    syncs: [],
    locals: [],
    pairs: [],
    finals: [],
    opened: {},
    files: [],
    watched: [],
    recoveries: [],
    faults: [],
  }
  /** @type {Map<string, Operation[]>} */
  #begun = new Map()
  /** @type {Map<string, number>} */
  #figures = new Map()

  /** @param {Line} line */
  take(line) {
    this.#takers[line.t]?.(line)
  }

  result() {
    // A transaction whose function never ran wrote nothing.
    const operations = this.#history.operations.filter(({ kind, value }) => kind !== 'transact' || value !== undefined)
    return { history: { ...this.#history, operations }, figures: this.#figures }
  }

  /** @param {string} what @param {number} [by] */
  #count(what, by = 1) {
    this.#figures.set(what, (this.#figures.get(what) ?? 0) + by)
  }

  /** @type {Record<string, (line: Line) => void>} */
  #takers = {
    open: ({ s, at }) => {
      this.#history.opened = { ...this.#history.opened, [s]: at }
      this.#count('sessions')
    },
    write: ({ i, s, begin, kind, k, also, v, everywhere }) => {
      this.#count(kind)
      if (everywhere) this.#count('everywhere')
      const common = { id: i, session: s, kind, begin, end: Number.POSITIVE_INFINITY, value: v, everywhere }
      const keys = also === undefined ? [k] : [k, also]
      const begun = keys.map(key => /** @type {Operation} */ ({ ...common, key, outcome: 'unknown' }))
      this.#begun.set(i, begun)
      this.#history.operations.push(...begun)
    },
    try: ({ i, x, v }) => {
      const [operation] = this.#begun.get(i) ?? []
      if (operation?.value !== undefined) this.#count('transactions retried')
      if (operation) Object.assign(operation, { expected: x, value: v })
    },
    end: ({ i, end, r, e }) => {
      const outcome = e === undefined ? 'done' : (OUTCOMES[e] ?? 'unknown')
      if (outcome !== 'done') this.#count(`writes ${e}`)
      for (const operation of this.#begun.get(i) ?? []) {
        Object.assign(operation, { outcome, result: r, end: outcome === 'unknown' ? Number.POSITIVE_INFINITY : end })
      }
      const [first] = this.#begun.get(i) ?? []
      if (outcome === 'done' && first?.everywhere && end - first.begin < ACKNOWLEDGED) {
        this.#count('everywhere, by acknowledgement')
      }
    },
    read: ({ s, k, begin, end, r, bound }) => {
      this.#count(bound === undefined ? 'checked reads' : 'bounded reads')
      const id = `read ${this.#history.operations.length}`
      const common = { id, session: s, key: k, begin, end, result: r, bound }
      this.#history.operations.push({ ...common, kind: 'read', outcome: 'done' })
    },
    local: ({ s, begin, at, k, r, version }) => {
      this.#count(begin === undefined ? 'local reads' : 'sequential reads')
      this.#history.held.push({ session: s, at, version })
      this.#history.locals.push({ session: s, begin, at, key: k, value: r })
    },
    pair: ({ s, at, k, view, left, right }) => {
      this.#count('pairs read')
      this.#history.pairs.push({ session: s, at, key: k, view, left, right })
    },
    seen: ({ s, at, version, digest }) => {
      this.#count('states seen')
      this.#history.seen.push({ session: s, at, version, digest })
      this.#history.held.push({ session: s, at, version })
    },
    look: ({ s, begin, end, replicas }) => {
      this.#count('replicas() asked')
      this.#history.looks.push({ session: s, begin, end, replicas })
    },
    watch: ({ text }) => this.#history.watched.push(text),
    sync: ({ s, at, reason }) => this.#history.syncs.push({ session: s, at, reason }),
    syncs: ({ t, ...reasons }) => {
      for (const [reason, count] of Object.entries(reasons)) this.#count(`syncs: ${reason}`, count)
    },
    failed: ({ code }) => this.#count(`refused: ${code}`),
    fault: ({ text }) => this.#history.faults.push(text),
    final: ({ s, version, entries }) => this.#history.finals.push({ session: s, version, entries }),
  }
}
