import { announcements } from '../contract/announcements.js'
import type { Change, Condition, Group, State, Version } from '../contract/backend.js'
import { sameStored } from '../contract/same-stored.js'
import { pause } from '../time/pause.js'
import type { BoundedStore } from './bounded-store.js'
import type { History } from './history.js'

/** In ms. */
const JITTER = 50

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
      const passed = new Passed(memory.version)
      const stop = this.#replica.history.track(change => passed.add(change))
      try {
        const state = await this.#store.load()
        // If memory is behind, only the changes show which of two states is newer.
        await this.#replica.check()
        if (Object.is(state.version, memory.version)) return await this.#compare(new Map(state.entries), 'version')
        if (passed.includes(state.version)) return await this.#compare(this.#carriedForward(state, passed), 'unchanged')
      } finally {
        stop()
      }
    }
  }

  /**
   * Announces what external writers did, if memory has followed them to this version already.
   *
   * @param before - what memory contained before.
   */
  async found(before: Stored, version: Version): Promise<void> {
    const { history, announces } = this.#replica
    if (!announces) return
    // The processes of a fleet find it at the same time: usually the first one announces it to the others.
    await pause(Math.random() * JITTER)
    const { memory } = history
    if (Object.is(memory.version, version)) await this.#announce(version, before, memory.entries.stored, 'version')
  }

  /**
   * What memory should contain, on a store that has changed since the state was loaded: what no change has touched is still as it
   * was loaded.
   */
  #carriedForward({ entries: loaded }: State<unknown>, { touched }: Passed): Map<string, unknown> {
    const { stored } = this.#replica.history.memory.entries
    const entries = new Map([...loaded].filter(([key]) => !touched.has(key)))
    for (const key of touched) if (stored.has(key)) entries.set(key, stored.get(key))
    return entries
  }

  /** @param condition - what must hold for the difference to be announced: that nothing, or none of its keys, has changed since. */
  async #compare(entries: Map<string, unknown>, condition: Condition['type']): Promise<void> {
    const { history, announces } = this.#replica
    const { version, entries: known } = history.memory
    const before = known.stored
    if (sameEntries(entries, before)) return
    history.replace({ version, entries }, 'diverged')
    if (announces) await this.#announce(version, before, entries, condition)
  }

  /**
   * Makes what external writers did a change like any other: it is recorded in the history, and reaches every process. If another
   * process was faster, this has no effect.
   */
  async #announce(version: Version, before: Stored, after: Stored, condition: Condition['type']): Promise<void> {
    const operations = announcements(before, after)
    if (operations.length === 0) return
    const unchanged = () => operations.map(({ key }) => ({ type: 'unchanged', key, since: version }) as const)
    const conditions = condition === 'version' ? [{ type: condition, version } as const] : unchanged()
    await this.#replica.submit({ conditions, operations, attribution: { via: 'outside' } })
  }
}

/** The versions that memory has passed, and the keys that have been touched on the way. */
class Passed {
  readonly touched = new Set<string>()
  readonly #versions = new Set<Version>()
  #isUnknown = false

  constructor(start: Version) {
    this.#versions.add(start)
  }

  /** @param change - `undefined` if memory has moved in another way. */
  add(change: Change<unknown> | undefined): void {
    if (!change || change.effects.some(({ type }) => type === 'clear')) this.#isUnknown = true
    else {
      this.#versions.add(change.version)
      for (const effect of change.effects) this.touched.add((effect as { key: string }).key)
    }
  }

  includes(version: Version): boolean {
    return !this.#isUnknown && this.#versions.has(version)
  }
}

function sameEntries(left: Stored, right: Stored): boolean {
  if (left.size !== right.size) return false
  for (const [key, stored] of left) if (!right.has(key) || !sameStored(stored, right.get(key))) return false
  return true
}

type Stored = ReadonlyMap<string, unknown>
