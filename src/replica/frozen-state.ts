import type { Version } from '../contract/backend.js'
import type { Entries, PastEntry } from './entries.js'
import { Notes } from './notes.js'

const released = new FinalizationRegistry<Notes>(notes => notes.dissolve())

/**
 * One state, held still while memory moves on, at the cost of what changes. It reads the live entries, corrected by
 * what the changes since have overwritten: its own notes first, then those of each later state, down to the present.
 * (Reverse deltas, as version control systems keep them.)
 */
export class FrozenState {
  readonly version: Version
  readonly size: number
  readonly #entries: Entries
  readonly #notes: Notes

  /** @param entries - the live ones, which are at this version now. */
  constructor(version: Version, entries: Entries) {
    this.version = version
    this.size = entries.stored.size
    this.#entries = entries
    this.#notes = new Notes(entries)
    released.register(this, this.#notes)
  }

  get(key: string): unknown {
    const notes = this.#keeper(key)
    if (!notes) return this.#entries.get(key)
    const past = notes.overwritten.get(key)
    return past && this.#entries.recall(key, past)
  }

  /** What the store held, undecoded. */
  stored(key: string): unknown {
    const notes = this.#keeper(key)
    return notes ? notes.overwritten.get(key)?.stored : this.#entries.stored.get(key)
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

  /** The first notes from here to the present that have the key; none where it stands as it was. */
  #keeper(key: string): Notes | undefined {
    let notes: Notes | undefined = this.#notes
    while (notes && !notes.overwritten.has(key)) notes = notes.later
    return notes
  }

  #changed(): ReadonlyMap<string, PastEntry | undefined> {
    if (!this.#notes.later) return this.#notes.overwritten
    const changed = new Map(this.#notes.overwritten)
    for (let notes: Notes | undefined = this.#notes.later; notes; notes = notes.later) {
      for (const [key, past] of notes.overwritten) if (!changed.has(key)) changed.set(key, past)
    }
    return changed
  }
}
