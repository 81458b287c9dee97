import type { Change, Effect } from '../../contract/backend.js'
import type { LoggedChange } from './head.js'
import type { LoggedEffect } from './log-record.js'
import { joinNotes } from './notes.js'
import type { Stored } from './stored.js'

/** Determines which values that are too large for the log can still be read. */
export class Survey {
  /** The keys whose latest value is only in their znodes. */
  readonly keys = new Set<string>()
  readonly #changes: readonly LoggedChange[]
  /** Effects whose value was overwritten, and is stored nowhere any more. */
  readonly #lost = new Set<LoggedEffect>()
  /**
   * For each change, the last change that must be applied together with it. Between a lost value and the next effect
   * on its key, the state cannot be reconstructed.
   */
  readonly #until: number[]

  constructor(changes: readonly LoggedChange[]) {
    this.#changes = changes
    this.#until = changes.map((_, index) => index)
    const next = new LaterChanges()
    for (let index = changes.length - 1; index >= 0; index -= 1) {
      for (const effect of changes[index]?.effects.toReversed() ?? []) {
        if (isUnread(effect)) this.#examine(effect, index, next)
        next.note(effect, index)
      }
    }
  }

  /**
   * Returns the changes with all available values. An effect is missing only if its key was written again later; all
   * other effects are included, in order.
   *
   * @param read - the latest values of {@link keys}; `undefined` for a key without a znode.
   */
  complete(read: ReadonlyMap<string, Stored | undefined>): Change<Stored>[] {
    const complete: Change<Stored>[] = []
    for (let start = 0; start < this.#changes.length; ) {
      const end = this.#endOf(start)
      const changes = this.#changes.slice(start, end)
      const effects = changes.flatMap(change => change.effects.filter(one => this.#isKept(one)))
      const notes = joinNotes(
        changes.map(one => ({ notes: one.notes, kept: one.effects.map(effect => this.#isKept(effect)) })),
      )
      const values = effects.map(effect => withValue(effect, read))
      complete.push({ ...joined(changes), effects: values, ...(notes && { notes }) })
      start = end
    }
    return complete
  }

  #isKept(effect: LoggedEffect): boolean {
    return !this.#lost.has(effect)
  }

  #examine(effect: LoggedEffect & { readonly key: string }, index: number, next: LaterChanges): void {
    const later = next.after(effect.key)
    if (later === undefined) {
      this.keys.add(effect.key)
      return
    }
    this.#lost.add(effect)
    this.#until[index] = Math.max(this.#until[index] as number, later)
  }

  /** Returns the end of the step that begins at a change. */
  #endOf(start: number): number {
    let last = start
    for (let index = start; index <= last; index += 1) last = Math.max(last, this.#until[index] as number)
    return last + 1
  }
}

/** The next change that touches a key, during a pass from the latest change backwards. */
class LaterChanges {
  readonly #changes = new Map<string, number>()
  #clear: number | undefined

  after(key: string): number | undefined {
    return this.#changes.get(key) ?? this.#clear
  }

  note(effect: LoggedEffect, index: number): void {
    if (effect.type !== 'clear') {
      this.#changes.set(effect.key, index)
      return
    }
    this.#changes.clear()
    this.#clear = index
  }
}

function joined(changes: readonly LoggedChange[]): Omit<Change<Stored>, 'effects'> {
  const [{ previous, id }, { version }] = [changes[0] as LoggedChange, changes.at(-1) as LoggedChange]
  const asks = changes.some(({ acknowledge }) => acknowledge) && { acknowledge: true }
  return { previous, version, id: changes.every(change => change.id === id) ? id : undefined, ...asks }
}

function withValue(effect: LoggedEffect, read: ReadonlyMap<string, Stored | undefined>): Effect<Stored> {
  if (!isUnread(effect)) return effect as Effect<Stored>
  const stored = read.get(effect.key)
  return stored === undefined ? { type: 'delete', key: effect.key } : { type: 'set', key: effect.key, stored }
}

/** Returns whether the value must be read from its znode. */
function isUnread(effect: LoggedEffect): effect is LoggedEffect & { readonly type: 'set'; readonly key: string } {
  return effect.type === 'set' && effect.stored === undefined
}
