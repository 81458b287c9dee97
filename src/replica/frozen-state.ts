import type { Version } from '../contract/backend.js'
import type { Entries, PastEntry } from './entries.js'
import { UndoLog } from './undo-log.js'

const released = new FinalizationRegistry<UndoLog>(undoLog => undoLog.dissolve())

/**
 * One fixed state. Its cost is proportional to later changes, not to its size. It reads the live entries, corrected by what later
 * changes overwrote: first its own undo log, then those of later states up to the present (reverse deltas, as in version control
 * systems).
 */
export class FrozenState {
  readonly version: Version
  readonly size: number
  readonly #entries: Entries
  readonly #undoLog: UndoLog

  /** @param entries - the live entries, which are now at this version. */
  constructor(version: Version, entries: Entries) {
    this.version = version
    this.size = entries.stored.size
    this.#entries = entries
    this.#undoLog = new UndoLog(entries)
    released.register(this, this.#undoLog)
  }

  get(key: string): unknown {
    const undoLog = this.#keeper(key)
    if (!undoLog) return this.#entries.get(key)
    const past = undoLog.overwritten.get(key)
    return past && this.#entries.recall(key, past)
  }

  /** Returns the stored form, without decoding it. */
  stored(key: string): unknown {
    const undoLog = this.#keeper(key)
    return undoLog ? undoLog.overwritten.get(key)?.stored : this.#entries.stored.get(key)
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

  /**
   * Yields the keys one by one, for work in slices: the live entries may change between them. A key that is removed and inserted
   * again meanwhile may come twice.
   */
  *walk(): Generator<string> {
    const live = this.#entries.stored
    for (const key of live.keys()) if (this.has(key)) yield key
    for (const [key, past] of this.#changed()) if (past && !live.has(key)) yield key
  }

  /** Returns the first undo log from here to the present that contains the key; `undefined` if the entry is unchanged. */
  #keeper(key: string): UndoLog | undefined {
    let undoLog: UndoLog | undefined = this.#undoLog
    while (undoLog && !undoLog.overwritten.has(key)) undoLog = undoLog.later
    return undoLog
  }

  #changed(): ReadonlyMap<string, PastEntry | undefined> {
    if (!this.#undoLog.later) return this.#undoLog.overwritten
    const changed = new Map(this.#undoLog.overwritten)
    for (let undoLog: UndoLog | undefined = this.#undoLog.later; undoLog; undoLog = undoLog.later) {
      for (const [key, past] of undoLog.overwritten) if (!changed.has(key)) changed.set(key, past)
    }
    return changed
  }
}
