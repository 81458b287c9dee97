import type { Version } from '../contract/backend.js'
import type { Entries, PastEntry } from './entries.js'
import { UndoLog } from './undo-log.js'

const released = new FinalizationRegistry<UndoLog>(undoLog => undoLog.dissolve())

/**
 * One state, held still while memory moves on, at the cost of what changes. It reads the live entries, corrected by
 * what the changes since have overwritten: its own undo log first, then those of each later state, down to the present.
 * (Reverse deltas, as version control systems keep them.)
 */
export class FrozenState {
  readonly version: Version
  readonly size: number
  readonly #entries: Entries
  readonly #undoLog: UndoLog

  /** @param entries - the live ones, which are at this version now. */
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

  /** What the store held, undecoded. */
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

  /** The first undo log from here to the present that has the key; none if its value is unchanged. */
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
