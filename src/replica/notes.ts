import type { PastEntry } from './entries.js'

/** Who takes the notes at present: the notes of the latest state held still. Weak: of states no one holds, none are taken. */
export interface NoteTaker {
  latest: WeakRef<Notes> | undefined
}

/**
 * What was overwritten between one state held still and the next one. Chained from the earlier to the later, so that a
 * state keeps what it needs of those after it, and nothing keeps it.
 */
export class Notes {
  readonly overwritten = new Map<string, PastEntry | undefined>()
  later: Notes | undefined
  #earlier: WeakRef<Notes> | undefined
  readonly #taker: NoteTaker

  /** Notes are taken here from now on. */
  constructor(taker: NoteTaker) {
    const earlier = taker.latest?.deref()
    if (earlier) {
      earlier.later = this
      this.#earlier = taker.latest
    }
    this.#taker = taker
    taker.latest = new WeakRef(this)
  }

  /**
   * The state whose notes these are is held no longer: what an earlier one needs of them it gets, so that a state held
   * for long costs what was overwritten, not how many states were held after it.
   */
  dissolve(): void {
    const earlier = this.#earlier?.deref()
    if (!earlier) return
    for (const [key, past] of this.overwritten) if (!earlier.overwritten.has(key)) earlier.overwritten.set(key, past)
    earlier.later = this.later
    if (this.later) this.later.#earlier = this.#earlier
    else this.#taker.latest = this.#earlier
  }
}
