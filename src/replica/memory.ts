import type { Change, Effect, State, Version } from '../contract/backend.js'
import { sameStored } from '../contract/same-stored.js'
import { type Decode, Entries, type PastEntry } from './entries.js'
import { FrozenState } from './frozen-state.js'

/** What happened to one entry, for those who watch. */
export interface Step {
  readonly key: string
  readonly before: PastEntry | undefined
  readonly after: PastEntry | undefined
}

/** This process's copy of one state of the store. It moves from state to state, each step as a whole. */
export class Memory {
  entries: Entries
  version: Version
  /** Kept alive for as long as memory is at its state: what is made of a state once is found again by it. */
  pinned: object | undefined
  readonly #decode: Decode
  /** Of the present entries. */
  #frozen: WeakRef<FrozenState> | undefined

  constructor(state: State<unknown>, decode: Decode) {
    this.#decode = decode
    this.version = state.version
    this.entries = new Entries(toMap(state.entries), decode)
  }

  /** The present state, held still. */
  freeze(): FrozenState {
    const earlier = this.#frozen?.deref()
    if (earlier && Object.is(earlier.version, this.version)) return earlier
    const state = new FrozenState(this.version, this.entries)
    this.#frozen = new WeakRef(state)
    return state
  }

  /** Moves on by one change. `steps` collects what it did to each entry. */
  apply(change: Change<unknown>, steps?: Step[]): void {
    this.pinned = undefined
    for (const effect of change.effects) this.#perform(effect, steps)
    this.version = change.version
  }

  /** Moves to a state that was loaded as a whole. */
  replace(state: State<unknown>, steps?: Step[]): void {
    const earlier = this.entries
    this.pinned = undefined
    this.#startOver(toMap(state.entries))
    this.entries.inherit(earlier)
    this.version = state.version
    if (steps) for (const step of difference(earlier, this.entries)) steps.push(step)
  }

  #perform(effect: Effect<unknown>, steps: Step[] | undefined): void {
    if (effect.type === 'clear') {
      const earlier = this.entries
      this.#startOver(new Map())
      if (steps) for (const step of difference(earlier, this.entries)) steps.push(step)
      return
    }
    const { key } = effect
    const after = effect.type === 'set' ? { stored: effect.stored, value: undefined } : undefined
    const before = steps && this.entries.remember(key)
    // A deletion of what is not there, as an announcement of what others have done may have it, is no change.
    if (before ?? after) steps?.push({ key, before, after })
    if (after) this.entries.set(key, after.stored)
    else this.entries.delete(key)
  }

  /** States frozen before keep the old entries, which nothing alters any more. */
  #startOver(stored: Map<string, unknown>): void {
    this.#frozen = undefined
    this.entries = new Entries(stored, this.#decode)
  }
}

/** What leads from one state to another, where the changes between them are not known. */
function* difference(earlier: Entries, later: Entries): Generator<Step> {
  for (const key of earlier.stored.keys()) {
    if (!later.stored.has(key)) yield { key, before: earlier.remember(key), after: undefined }
  }
  for (const [key, stored] of later.stored) {
    if (!sameStored(earlier.stored.get(key), stored)) {
      yield { key, before: earlier.remember(key), after: { stored, value: undefined } }
    }
  }
}

function toMap(entries: Iterable<readonly [string, unknown]>): Map<string, unknown> {
  return entries instanceof Map ? entries : new Map(entries)
}
