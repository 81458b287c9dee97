import { announcements } from '../contract/announcements.js'
import type { Group, State, Version } from '../contract/backend.js'
import { sameStored } from '../contract/same-stored.js'
import type { BoundedStore } from './bounded-store.js'
import type { History } from './history.js'

/** How often a comparison is tried on a store that keeps changing. */
const ATTEMPTS = 3

/** What a comparison needs from its replica. */
export interface Comparable {
  readonly history: History
  /** Whether changes by external writers are recorded. */
  readonly announces: boolean
  check(): Promise<void>
  submit(group: Group<unknown>): Promise<unknown>
}

/** Finds entries that were changed behind the library's back, without a new version. */
export class Comparison {
  readonly #store: BoundedStore
  readonly #replica: Comparable

  constructor(store: BoundedStore, replica: Comparable) {
    this.#store = store
    this.#replica = replica
  }

  /** Compares memory with everything that is stored, and follows the store. */
  async run(): Promise<void> {
    const { memory } = this.#replica.history
    for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
      const state = await this.#store.load()
      // If memory is behind, only the changes show which of two states is newer.
      await this.#replica.check()
      if (Object.is(state.version, memory.version)) return await this.#compare(state)
    }
  }

  async #compare(state: State<unknown>): Promise<void> {
    const { history, announces } = this.#replica
    const entries = new Map(state.entries)
    const before = history.memory.entries.stored
    if (sameEntries(entries, before)) return
    history.replace({ ...state, entries }, 'diverged')
    if (announces) await this.#announce(state.version, before, entries)
  }

  /**
   * Makes what external writers did a change like any other: it is recorded in the history, and reaches every process. If another
   * process was faster, this has no effect.
   */
  async #announce(version: Version, before: Stored, after: Stored): Promise<void> {
    const operations = announcements(before, after)
    if (operations.length === 0) return
    const conditions = [{ type: 'version', version }] as const
    await this.#replica.submit({ conditions, operations, attribution: { via: 'outside' } })
  }
}

function sameEntries(left: Stored, right: Stored): boolean {
  if (left.size !== right.size) return false
  for (const [key, stored] of left) if (!right.has(key) || !sameStored(stored, right.get(key))) return false
  return true
}

type Stored = ReadonlyMap<string, unknown>
