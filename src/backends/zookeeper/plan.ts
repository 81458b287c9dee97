import type { Batch, Effect, Outcome } from '../../contract/backend.js'
import { executeGroup, type Target } from '../../contract/execute-group.js'
import { type CommitNote, Journal, noteOf } from '../../contract/history.js'
import { makesChange } from '../../contract/makes-change.js'
import { addChange, formatHead, formatPart, type Head, type Moved, skipChange, versionOf } from './head.js'
import type { HistoryStart } from './history-start.js'
import type { Mirror } from './mirror.js'
import type { Names } from './names.js'
import {
  bytesOfSteps,
  type Done,
  historySteps,
  isTooLarge,
  keepsHistory,
  moveHistory,
  notesOf,
} from './plan-history.js'
import { Sizes } from './sizes.js'
import { type Stored, toData } from './stored.js'
import type { Added, Step } from './transport.js'

/** How to write the groups of a batch, or the first of them, in one transaction. */
export interface Plan {
  readonly outcomes: readonly Outcome[]
  readonly effects: readonly Effect<Stored>[]
  readonly notes?: readonly CommitNote[] | undefined
  readonly steps: readonly Step[]
  /** The position of the history before the plan, and the bytes that the plan adds to it. */
  readonly recorded?: { readonly before: number; readonly bytes: number } | undefined
  /** The head after the plan, or the present one if nothing changes. */
  readonly head: Head
}

/** The entries of a mirror, overlaid with the planned changes. */
class Overlay implements Target<Stored> {
  readonly changed = new Map<string, Stored | undefined>()
  readonly #mirror: Mirror
  #cleared = false

  constructor(mirror: Mirror) {
    this.#mirror = mirror
  }

  get(key: string): Stored | undefined {
    return this.changed.has(key) || this.#cleared ? this.changed.get(key) : this.#mirror.entries.get(key)
  }

  set(key: string, stored: Stored): void {
    this.changed.set(key, stored)
  }

  delete(key: string): void {
    this.changed.set(key, undefined)
  }

  clear(): boolean {
    const keys = [...this.#mirror.entries.keys()]
    const any = [...keys, ...this.changed.keys()].some(key => this.get(key) !== undefined)
    this.changed.clear()
    for (const key of keys) this.changed.set(key, undefined)
    this.#cleared = true
    return any
  }

  *entries(): Generator<readonly [string, Stored]> {
    if (!this.#cleared) for (const entry of this.#mirror.entries) if (!this.changed.has(entry[0])) yield entry
    for (const [key, stored] of this.changed) if (stored !== undefined) yield [key, stored]
  }

  changedSince(since: string, key: string): boolean {
    return this.#mirror.touchedSince(since, key)
  }
}

/**
 * Plans as many groups of a batch, in order, as fit into one transaction. A group that can never fit is refused.
 *
 * @param added - the bytes that the transport adds to the steps.
 * @param start - from where the history continues.
 */
export function makePlan(batch: Batch<Stored>, mirror: Mirror, names: Names, added: Added, start: HistoryStart): Plan {
  const { id, groups, acknowledge } = batch
  const { head, znode } = mirror.position
  const overlay = new Overlay(mirror)
  const sizes = new Sizes(mirror, names, added)
  const effects: Effect<Stored>[] = []
  const outcomes: Outcome[] = []
  const done: Done[] = []
  for (const group of groups) {
    const refused = sizes.refuse(group, overlay)
    if (!refused && !sizes.add(group, keepsHistory(start) ? overlay : undefined)) break
    const before = effects.length
    const version = before > 0 ? undefined : mirror.version
    const journal = keepsHistory(start) ? new Journal<Stored>() : undefined
    outcomes.push(refused ?? executeGroup(group, overlay, version, effects, journal))
    const own = effects.length - before
    if (own > 0) done.push({ note: noteOf(group.attribution, own), changes: journal?.changes ?? [] })
  }
  const epoch: Step = { type: 'check', path: names.epoch(head.epoch), version: -1 }
  if (!makesChange(batch, effects)) {
    const steps: Step[] = [{ type: 'check', path: names.version, version: znode }, epoch]
    return { outcomes, effects, steps, head }
  }
  const { steps: entries, touched } = stepsOf(overlay, mirror, names)
  const { mark, touched: repaired } = moveHistory(start, done.length)
  const notes = notesOf(done)
  const before = { ...head, history: mark, interruption: undefined }
  const cversion = head.cversion + touched + repaired
  const inFull = (moved: Moved): Plan => {
    const steps = [...headSteps(moved, znode, names, epoch), ...entries, ...partSteps(moved, names)]
    const history = historySteps(start, versionOf(moved.head), done, steps, names, added)
    const recorded = { before: start.mark.position, bytes: bytesOfSteps(history, added) }
    return { outcomes, effects, notes, steps: [...steps, ...history], head: moved.head, recorded }
  }
  const plan = inFull(addChange(before, id, effects, cversion, { notes, acknowledge }))
  return isTooLarge(plan.steps, added) ? inFull(skipChange(before, id, cversion)) : plan
}

function headSteps({ head }: Moved, znode: number, names: Names, epoch: Step): Step[] {
  return [{ type: 'set', path: names.version, data: formatHead(head), version: znode }, epoch]
}

function partSteps({ part }: Moved, names: Names): Step[] {
  if (!part) return []
  return [{ type: 'set', path: names.part(part.place), data: formatPart(part.content), version: -1 }]
}

/** Returns one step for each key whose state changes, and how many of the steps create or delete a znode. */
function stepsOf(overlay: Overlay, mirror: Mirror, names: Names): { steps: Step[]; touched: number } {
  const steps: Step[] = []
  let touched = 0
  for (const [key, stored] of overlay.changed) {
    const path = names.key(key)
    const existed = mirror.entries.has(key)
    if (existed !== (stored !== undefined)) touched += 1
    if (stored === undefined) {
      if (existed) steps.push({ type: 'delete', path, version: -1 })
    } else if (existed) steps.push({ type: 'set', path, data: toData(stored), version: -1 })
    else steps.push({ type: 'create', path, data: toData(stored) })
  }
  return { steps, touched }
}
