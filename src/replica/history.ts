import type { CatchUp, Change, State, Version } from '../contract/backend.js'
import type { Decode } from './entries.js'
import { Memory, type Step } from './memory.js'
import { Recent } from './recent.js'

/** How many states memory knows to be its own past. Answers overtake each other by few. */
const REMEMBERED_VERSIONS = 256

/** How memory came to a new state. */
export type SyncReason =
  /** By the changes since. */
  | 'changes'
  /** The change log no longer reached back, or there is none: everything was loaded. */
  | 'loaded'
  /** The store's history is another than memory's, or entries were altered behind its back: memory followed. */
  | 'diverged'

/** Told of each step that memory takes, right after it. */
export interface Observer {
  /** Whether {@link Observer.stepped} is wanted now: collecting the steps costs. */
  readonly wantsSteps: boolean
  stepped(steps: readonly Step[], version: Version, id: string | undefined): void
  synced(reason: SyncReason, version: Version, previous: Version): void
}

/**
 * What is to be done about an answer: nothing more, ask again from the present version (another answer came first), or
 * load everything.
 */
export type Remainder = 'none' | 'again' | 'load' | 'loadDiverged'

/**
 * Memory and the one way it moves: along the chain of changes, or to a state loaded as a whole. Answers may arrive in
 * any order and more than once; what does not chain is never applied.
 */
export class History {
  readonly memory: Memory
  readonly #recent = new Recent<Version>(REMEMBERED_VERSIONS)
  readonly #observer: Observer

  constructor(state: State<unknown>, decode: Decode, observer: Observer) {
    this.memory = new Memory(state, decode)
    this.#observer = observer
    this.#recent.add(state.version)
  }

  /** Follows what the store answered to the question what happened since `base`. */
  follow(base: Version, answer: CatchUp<unknown>): Remainder {
    const moved = !Object.is(this.memory.version, base)
    if (answer.type === 'changes') return this.#followChanges(answer.changes, answer.version, moved)
    if (answer.type === 'state' && Object.is(answer.version, this.memory.version)) return 'none'
    if (moved) return answer.type === 'state' && this.#recent.has(answer.version) ? 'none' : 'again'
    if (answer.type === 'tooOld') return answer.diverged ? 'loadDiverged' : 'load'
    this.replace(answer, answer.diverged ? 'diverged' : 'loaded')
    return 'none'
  }

  /** Takes a pushed change where it chains. False: there is a gap. */
  push(change: Change<unknown>): boolean {
    if (this.#recent.has(change.version)) return true
    if (!Object.is(change.previous, this.memory.version)) return false
    this.#apply([change])
    return true
  }

  /** Moves to a state that was loaded as a whole. */
  replace(state: State<unknown>, reason: SyncReason): void {
    const previous = this.memory.version
    const steps: Step[] | undefined = this.#observer.wantsSteps ? [] : undefined
    this.memory.replace(state, steps)
    this.#recent.clear()
    this.#recent.add(state.version)
    if (steps && steps.length > 0) this.#observer.stepped(steps, state.version, undefined)
    this.#observer.synced(reason, state.version, previous)
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

  /** Where in the list memory's present state is left behind, or -1. */
  #firstNew(changes: readonly Change<unknown>[]): number {
    return changes.findIndex(change => Object.is(change.previous, this.memory.version))
  }

  #apply(changes: readonly Change<unknown>[]): void {
    const previous = this.memory.version
    for (const change of changes) {
      const steps: Step[] | undefined = this.#observer.wantsSteps ? [] : undefined
      this.memory.apply(change, steps)
      this.#recent.add(change.version)
      if (steps && steps.length > 0) this.#observer.stepped(steps, change.version, change.id)
    }
    this.#observer.synced('changes', this.memory.version, previous)
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
