import type { PastEntry } from './entries.js'

/** Who records at present: the undo log of the latest state that is still held. Weak: of states no one holds, none are taken. */
export interface UndoLogOwner {
  latest: WeakRef<UndoLog> | undefined
}

/**
 * What was overwritten between one state held still and the next one. Chained from the earlier to the later, so that a
 * state keeps what it needs of those after it, and nothing keeps it.
 */
export class UndoLog {
  readonly overwritten = new Map<string, PastEntry | undefined>()
  later: UndoLog | undefined
  #earlier: WeakRef<UndoLog> | undefined
  readonly #owner: UndoLogOwner

  /** Notes are taken here from now on. */
  constructor(owner: UndoLogOwner) {
    const earlier = owner.latest?.deref()
    if (earlier) {
      earlier.later = this
      this.#earlier = owner.latest
    }
    this.#owner = owner
    owner.latest = new WeakRef(this)
  }

  /**
   * The state that this log belongs to is no longer held: what an earlier one needs of them it gets, so that a state held
   * for long costs what was overwritten, not how many states were held after it.
   */
  dissolve(): void {
    const earlier = this.#earlier?.deref()
    if (!earlier) return
    for (const [key, past] of this.overwritten) if (!earlier.overwritten.has(key)) earlier.overwritten.set(key, past)
    earlier.later = this.later
    if (this.later) this.later.#earlier = this.#earlier
    else this.#owner.latest = this.#earlier
  }
}
