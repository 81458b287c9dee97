import type { Change, Effect, State, Version } from '../contract/backend.js'
import type { Attribution, CommitNote } from '../contract/history.js'
import { sameStored } from '../contract/same-stored.js'
import { type Decode, Entries, type PastEntry } from './entries.js'
import { FrozenState } from './frozen-state.js'

/** What happened to one entry, for watchers. */
export interface Step {
  readonly key: string
  readonly before: PastEntry | undefined
  readonly after: PastEntry | undefined
  /** Who made it, and why, as far as that is known. */
  readonly attribution?: Attribution | undefined
}

/** This process's copy of one state of the store. It moves from state to state in whole steps. */
export class Memory {
  entries: Entries
  version: Version
  /** Kept alive while memory is at its state, so that values derived from the state are found again. */
  pinned: object | undefined
  #decode: Decode
  /** The frozen state of the current entries. */
  #frozen: WeakRef<FrozenState> | undefined

  constructor(state: State<unknown>, decode: Decode) {
    this.#decode = decode
    this.version = state.version
    this.entries = new Entries(toMap(state.entries), decode)
  }

  /** Returns the current state, frozen. */
  freeze(): FrozenState {
    const earlier = this.#frozen?.deref()
    if (earlier && Object.is(earlier.version, this.version)) return earlier
    const state = new FrozenState(this.version, this.entries)
    this.#frozen = new WeakRef(state)
    return state
  }

  /** From the next loaded state on, values are decoded like this. */
  decodeWith(decode: Decode): void {
    this.#decode = decode
  }

  /** Applies one change. `steps` collects what it did to each entry. */
  apply(change: Change<unknown>, steps?: Step[]): void {
    this.pinned = undefined
    if (steps && change.notes) this.#performNoted(change.effects, change.notes, steps)
    else for (const effect of change.effects) this.#perform(effect, steps)
    this.version = change.version
  }

  /** Moves to a completely loaded state. */
  replace(state: State<unknown>, steps?: Step[]): void {
    const earlier = this.entries
    this.pinned = undefined
    this.#startOver(toMap(state.entries))
    this.entries.inherit(earlier)
    this.version = state.version
    if (steps) for (const step of difference(earlier, this.entries)) steps.push(step)
  }

  /** The same, where each step says whose it was. */
  #performNoted(effects: readonly Effect<unknown>[], notes: readonly CommitNote[], steps: Step[]): void {
    let at = 0
    for (const { effects: count, ...attribution } of notes) {
      const own: Step[] = []
      for (const effect of effects.slice(at, at + count)) this.#perform(effect, own)
      for (const step of own) if (!isEcho(step, attribution)) steps.push({ ...step, attribution })
      at += count
    }
    for (const effect of effects.slice(at)) this.#perform(effect, steps)
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
    // Deleting a missing key changes nothing. Announcements of external writers may contain such deletions.
    if (before ?? after) steps?.push({ key, before, after })
    if (after) this.entries.set(key, after.stored)
    else this.entries.delete(key)
  }

  /** States frozen earlier keep the old entries, which never change again. */
  #startOver(stored: Map<string, unknown>): void {
    this.#frozen = undefined
    this.entries = new Entries(stored, this.#decode)
  }
}

/** Yields the steps between two states whose changes are unknown. */
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

/** Whether it announces what memory holds already: this process found it, and has reported it. */
function isEcho({ before, after }: Step, { via }: Attribution): boolean {
  return via === 'outside' && before !== undefined && sameStored(before.stored, after?.stored)
}
