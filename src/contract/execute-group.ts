import type { Condition, Effect, Group, Operation, Outcome, Version } from './backend.js'
import { DamagedValue } from './damaged-value.js'

/** The entries that a group is executed on, inside the backend's own transaction. */
export interface Target<S> {
  get(key: string): S | undefined
  set(key: string, stored: S): void
  delete(key: string): void
  /** Removes everything. Returns whether there was anything. */
  clear(): boolean
  /** Whether a change committed since this version touched the key. Also true if that is no longer known. */
  changedSince(since: Version, key: string): boolean
}

const CONFLICT: Outcome = { status: 'conflict' }

/**
 * Executes one group of a batch, for backends whose entries can be read and written synchronously.
 *
 * @param version - the state that the group is executed on; `undefined` if an earlier group of the batch has changed it.
 * @param effects - the group's effects are appended.
 */
export function executeGroup<S>(
  group: Group<S>,
  target: Target<S>,
  version: Version | undefined,
  effects: Effect<S>[],
): Outcome {
  if (!group.conditions.every(condition => holds(condition, target, version, effects))) return CONFLICT
  return { status: 'done', results: group.operations.map(operation => execute(operation, target, effects)) }
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

function execute<S>(operation: Operation<S>, target: Target<S>, effects: Effect<S>[]): unknown {
  switch (operation.type) {
    case 'set':
      set(operation.key, operation.stored, target, effects)
      return undefined
    case 'delete':
      return remove(operation.key, target, effects) !== undefined
    case 'pop':
      return pop(operation.key, target, effects)
    case 'setDefault':
      return target.get(operation.key) ?? set(operation.key, operation.stored, target, effects)
    case 'clear':
      if (target.clear()) effects.push({ type: 'clear' })
      return undefined
  }
}

function set<S>(key: string, stored: S, target: Target<S>, effects: Effect<S>[]): S {
  target.set(key, stored)
  effects.push({ type: 'set', key, stored })
  return stored
}

/** A damaged value stays stored: the caller gets an error instead of it, and could not put it back. */
function pop<S>(key: string, target: Target<S>, effects: Effect<S>[]): S | undefined {
  const stored = target.get(key)
  return stored instanceof DamagedValue ? stored : remove(key, target, effects)
}

function remove<S>(key: string, target: Target<S>, effects: Effect<S>[]): S | undefined {
  const stored = target.get(key)
  if (stored === undefined) return undefined
  target.delete(key)
  effects.push({ type: 'delete', key })
  return stored
}
