import type { Version } from '../contract/backend.js'
import type { Entries, PastEntry } from './entries.js'

/**
 * One state, held still while memory moves on, at the cost of what changes. It reads the live entries, corrected by
 * what the changes since have overwritten: its own notes first, then those of each later state, down to the present.
 * (Reverse deltas, as version control systems keep them.)
 */
export class FrozenState {
  readonly version: Version
  readonly size: number
  readonly #entries: Entries
  readonly #overwritten = new Map<string, PastEntry | undefined>()
  #later: FrozenState | undefined

  constructor(version: Version, entries: Entries) {
    this.version = version
    this.size = entries.stored.size
    this.#entries = entries
  }

  /** Called before the key changes in the live entries, while this is the latest frozen state. */
  note(key: string): void {
    if (!this.#overwritten.has(key)) this.#overwritten.set(key, this.#entries.remember(key))
  }

  /** From now on notes go to `later`. */
  follow(later: FrozenState): void {
    this.#later = later
  }

  get(key: string): unknown {
    const state = this.#keeper(key)
    if (!state) return this.#entries.get(key)
    const past = state.#overwritten.get(key)
    return past && this.#entries.recall(key, past)
  }

  /** What the store held, undecoded. */
  stored(key: string): unknown {
    const state = this.#keeper(key)
    return state ? state.#overwritten.get(key)?.stored : this.#entries.stored.get(key)
  }

  has(key: string): boolean {
    return this.stored(key) !== undefined
  }

  keys(): string[] {
    const changed = this.#changed()
    const keys: string[] = []
    for (const key of this.#entries.stored.keys()) if (!changed.has(key)) keys.push(key)
    for (const [key, past] of changed) if (past) keys.push(key)
    return keys
  }

  /** The first state from here to the present that has a note of the key; none where it stands as it was. */
  #keeper(key: string): FrozenState | undefined {
    let state: FrozenState | undefined = this
    while (state && !state.#overwritten.has(key)) state = state.#later
    return state
  }

  #changed(): ReadonlyMap<string, PastEntry | undefined> {
    if (!this.#later) return this.#overwritten
    const changed = new Map(this.#overwritten)
    for (let state: FrozenState | undefined = this.#later; state; state = state.#later) {
      for (const [key, past] of state.#overwritten) if (!changed.has(key)) changed.set(key, past)
    }
    return changed
  }
}
