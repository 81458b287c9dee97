import type { PastEntry } from './entries.js'

/** Refers to the undo log that records now: that of the latest frozen state. Weak, so that nothing is recorded for unused states. */
export interface UndoLogOwner {
  latest: WeakRef<UndoLog> | undefined
}

/**
 * What was overwritten between one frozen state and the next. Each log refers to the later one: a state keeps the later logs that it
 * needs, and nothing keeps the state.
 */
export class UndoLog {
  readonly overwritten = new Map<string, PastEntry | undefined>()
  later: UndoLog | undefined
  #earlier: WeakRef<UndoLog> | undefined
  readonly #owner: UndoLogOwner

  /** Recording continues in the new log. */
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
   * Passes the records to the earlier state when this log's state is no longer used. A state that is kept for long then costs what was
   * overwritten, not how many states were frozen after it.
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
