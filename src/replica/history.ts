import type { CatchUp, Change, State, Version } from '../contract/backend.js'
import type { Decode } from './entries.js'
import { Memory, type Step } from './memory.js'
import { Recent } from './recent.js'

/** How many past states memory remembers. Answers overtake each other by only a few. */
const REMEMBERED_VERSIONS = 256

/** How memory came to a new state. */
export type SyncReason =
  /** It applied the changes. */
  | 'changes'
  /** It loaded everything, because the change log did not reach back far enough or does not exist. */
  | 'loaded'
  /** The store has another history than memory, or entries were changed behind its back. Memory followed the store. */
  | 'diverged'

/** Is notified of each step right after memory takes it. */
export interface Observer {
  /** Whether {@link Observer.stepped} is needed now: collecting steps has a cost. */
  readonly wantsSteps: boolean
  stepped(steps: readonly Step[], version: Version, id: string | undefined): void
  /** @param changes - how many changes of entries were applied; 0 if everything was loaded. */
  synced(reason: SyncReason, version: Version, previous: Version, changes: number): void
}

/**
 * What is left to do after an answer: nothing, ask again from the current version (another answer arrived first), or
 * load everything.
 */
export type Remainder = 'none' | 'again' | 'load' | 'loadDiverged'

/**
 * Memory and the only ways in which it changes: along the chain of changes, or to a completely loaded state. Answers may arrive in
 * any order and repeatedly; a change that does not chain is never applied.
 */
export class History {
  readonly memory: Memory
  readonly #recent = new Recent<Version>(REMEMBERED_VERSIONS)
  readonly #trackers = new Set<(change: Change<unknown> | undefined) => void>()
  readonly #observer: Observer
  readonly #asked: (change: Change<unknown> | undefined) => void

  /**
   * @param asked - called after memory applied a change that asks for an acknowledgement, or loaded everything: that may contain one.
   * @param earlier - what readers had before the store first answered. It moves to this state, and watchers get the difference.
   */
  constructor(
    state: State<unknown>,
    decode: Decode,
    observer: Observer,
    asked: (change: Change<unknown> | undefined) => void = () => {},
    earlier?: Memory,
  ) {
    this.#asked = asked
    this.#observer = observer
    this.memory = earlier ?? new Memory(state, decode)
    this.#recent.add(state.version)
    if (!earlier) return
    earlier.decodeWith(decode)
    this.replace(state, 'loaded')
  }

  /** Applies the store's answer to a request for the changes since `base`. */
  follow(base: Version, answer: CatchUp<unknown>): Remainder {
    const moved = !Object.is(this.memory.version, base)
    if (answer.type === 'changes') return this.#followChanges(answer.changes, answer.version, moved)
    if (answer.type === 'state' && Object.is(answer.version, this.memory.version)) return 'none'
    if (moved) return answer.type === 'state' && this.#recent.has(answer.version) ? 'none' : 'again'
    if (answer.type === 'tooOld') return answer.diverged ? 'loadDiverged' : 'load'
    this.replace(answer, answer.diverged ? 'diverged' : 'loaded')
    return 'none'
  }

  /** Applies a pushed change if it chains. Returns false if there is a gap. */
  push(change: Change<unknown>): boolean {
    if (this.#recent.has(change.version)) return true
    if (!Object.is(change.previous, this.memory.version)) return false
    this.#apply([change])
    return true
  }

  /** Reports each change that memory follows, and `undefined` when it moves in another way. Returns a function that ends it. */
  track(tracker: (change: Change<unknown> | undefined) => void): () => void {
    this.#trackers.add(tracker)
    return () => this.#trackers.delete(tracker)
  }

  /** Moves to a completely loaded state. */
  replace(state: State<unknown>, reason: SyncReason): void {
    for (const tracker of this.#trackers) tracker(undefined)
    const previous = this.memory.version
    const steps: Step[] | undefined = this.#observer.wantsSteps ? [] : undefined
    this.memory.replace(state, steps)
    this.#recent.clear()
    this.#recent.add(state.version)
    if (steps && steps.length > 0) this.#observer.stepped(steps, state.version, undefined)
    this.#asked(undefined)
    this.#observer.synced(reason, state.version, previous, 0)
  }

  #followChanges(changes: readonly Change<unknown>[], version: Version, moved: boolean): Remainder {
    if (Object.is(version, this.memory.version)) return 'none'
    const start = this.#firstNew(changes)
    if (start < 0) return moved ? (this.#recent.has(version) ? 'none' : 'again') : 'load'
    const rest = start === 0 ? changes : changes.slice(start)
    if (!chains(rest, this.memory.version, version)) return 'load'
    this.#apply(rest)
    return 'none'
  }

  /** Returns the index of the first change after memory's current state, or -1. */
  #firstNew(changes: readonly Change<unknown>[]): number {
    return changes.findIndex(change => Object.is(change.previous, this.memory.version))
  }

  #apply(changes: readonly Change<unknown>[]): void {
    const previous = this.memory.version
    let count = 0
    for (const change of changes) {
      count += change.effects.length
      const steps: Step[] | undefined = this.#observer.wantsSteps ? [] : undefined
      this.memory.apply(change, steps)
      for (const tracker of this.#trackers) tracker(change)
      this.#recent.add(change.version)
      if (change.acknowledge === true) this.#asked(change)
      if (steps && steps.length > 0) this.#observer.stepped(steps, change.version, change.id)
    }
    this.#observer.synced('changes', this.memory.version, previous, count)
  }
}

function chains(changes: readonly Change<unknown>[], from: Version, to: Version): boolean {
  let version = from
  for (const change of changes) {
    if (!Object.is(change.previous, version)) return false
    version = change.version
  }
  return Object.is(version, to)
}
