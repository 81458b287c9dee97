import type { Condition, Effect, Group, Operation, Outcome, Version } from './backend.js'
import { DamagedValue } from './damaged-value.js'
import type { Journal } from './history.js'

/** The entries that a group is executed on, inside the backend's own transaction. */
export interface Target<S> {
  get(key: string): S | undefined
  set(key: string, stored: S): void
  delete(key: string): void
  /** Removes everything. Returns whether there was anything. */
  clear(): boolean
  /** Everything stored, for the history of a `clear`. Only called with a journal. */
  entries?(): Iterable<readonly [string, S]>
  /** Whether a change committed since this version touched the key. Also true if that is no longer known. */
  changedSince(since: Version, key: string): boolean
}

const CONFLICT: Outcome = { status: 'conflict' }

/**
 * Executes one group of a batch, for backends whose entries can be read and written synchronously.
 *
 * @param version - the state that the group is executed on; `undefined` if an earlier group of the batch has changed it.
 * @param effects - the group's effects are appended.
 * @param journal - records what the group did to each key, for the history. Default: nothing is recorded.
 */
export function executeGroup<S>(
  group: Group<S>,
  target: Target<S>,
  version: Version | undefined,
  effects: Effect<S>[],
  journal?: Journal<S>,
): Outcome {
  if (!group.conditions.every(condition => holds(condition, target, version, effects))) return CONFLICT
  return { status: 'done', results: group.operations.map(operation => execute(operation, target, effects, journal)) }
}

function holds<S>(
  condition: Condition,
  target: Target<S>,
  version: Version | undefined,
  effects: readonly Effect<S>[],
): boolean {
  if (condition.type === 'version') return Object.is(condition.version, version)
  const { key, since } = condition
  return !effects.some(effect => touches(effect, key)) && !target.changedSince(since, key)
}

/** Whether the effect touches the key. */
export function touches(effect: Effect<unknown>, key: string): boolean {
  return effect.type === 'clear' || effect.key === key
}

function execute<S>(operation: Operation<S>, target: Target<S>, effects: Effect<S>[], journal?: Journal<S>): unknown {
  switch (operation.type) {
    case 'set':
      set(operation.key, operation.stored, target, effects, journal)
      return undefined
    case 'delete':
      return remove(operation.key, target, effects, journal) !== undefined
    case 'pop':
      return pop(operation.key, target, effects, journal)
    case 'setDefault':
      return target.get(operation.key) ?? set(operation.key, operation.stored, target, effects, journal)
    case 'clear':
      clear(target, effects, journal)
      return undefined
    case 'touch':
      touch(operation.key, operation.before, target, effects, journal)
      return undefined
  }
}

function set<S>(key: string, stored: S, target: Target<S>, effects: Effect<S>[], journal?: Journal<S>): S {
  journal?.note(key, target.get(key), stored)
  target.set(key, stored)
  effects.push({ type: 'set', key, stored })
  return stored
}

/** A damaged value stays stored: the caller gets an error instead of it, and could not put it back. */
function pop<S>(key: string, target: Target<S>, effects: Effect<S>[], journal?: Journal<S>): S | undefined {
  const stored = target.get(key)
  return stored instanceof DamagedValue ? stored : remove(key, target, effects, journal)
}

function remove<S>(key: string, target: Target<S>, effects: Effect<S>[], journal?: Journal<S>): S | undefined {
  const stored = target.get(key)
  if (stored === undefined) return undefined
  journal?.note(key, stored, undefined)
  target.delete(key)
  effects.push({ type: 'delete', key })
  return stored
}

function clear<S>(target: Target<S>, effects: Effect<S>[], journal?: Journal<S>): void {
  const entries = journal && target.entries ? [...target.entries()] : []
  if (!target.clear()) return
  effects.push({ type: 'clear' })
  for (const [key, stored] of entries) journal?.note(key, stored, undefined)
}

/** Damaged bytes are not announced: no record can hold them. */
function touch<S>(
  key: string,
  before: S | undefined,
  target: Target<S>,
  effects: Effect<S>[],
  journal?: Journal<S>,
): void {
  const stored = target.get(key)
  if (stored instanceof DamagedValue) return
  effects.push(stored === undefined ? { type: 'delete', key } : { type: 'set', key, stored })
  journal?.note(key, before, stored)
}
