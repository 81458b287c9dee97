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
      const state = await this.#store.load()
      // If memory is behind, only the changes show which of two states is newer.
      await this.#replica.check()
      if (Object.is(state.version, memory.version)) return await this.#compare(new Map(state.entries), 'version')
      const entries = await this.#carriedForward(state)
      if (entries) return await this.#compare(entries, 'unchanged')
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
   * was loaded. Returns `undefined` if the changes are unknown, or do not lead past memory.
   */
  async #carriedForward({ version, entries: loaded }: State<unknown>): Promise<Map<string, unknown> | undefined> {
    const answer = await this.#store.changesSince(version)
    if (answer.type !== 'changes') return undefined
    const { memory } = this.#replica.history
    const isPassed = [version, ...answer.changes.map(change => change.version)].some(one =>
      Object.is(one, memory.version),
    )
    const touched = isPassed ? touchedBy(answer.changes) : undefined
    if (!touched) return undefined
    const entries = new Map([...loaded].filter(([key]) => !touched.has(key)))
    for (const key of touched) {
      if (memory.entries.stored.has(key)) entries.set(key, memory.entries.stored.get(key))
    }
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

/** The keys that changes have touched, or `undefined` if they have cleared everything. */
function touchedBy(changes: readonly Change<unknown>[]): Set<string> | undefined {
  const keys = new Set<string>()
  for (const effect of changes.flatMap(({ effects }) => effects)) {
    if (effect.type === 'clear') return undefined
    keys.add(effect.key)
  }
  return keys
}

function sameEntries(left: Stored, right: Stored): boolean {
  if (left.size !== right.size) return false
  for (const [key, stored] of left) if (!right.has(key) || !sameStored(stored, right.get(key))) return false
  return true
}

type Stored = ReadonlyMap<string, unknown>
