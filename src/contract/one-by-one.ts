import { AmbiguousWriteError, DurableDictError, UnsupportedError } from '../errors/errors.js'
import type { Awaitable, Backend, Batch, Group, Operation, Outcome, State, Supports } from './backend.js'

type Load = () => Awaitable<State<unknown>>

/**
 * What stands in for `commit` where a backend has none: the operations one after the other, by the four methods. Not
 * atomic, hence no conditions. `step` is called before each call that writes, and throws once no one waits any more.
 */
export async function commitOneByOne(
  backend: Backend<unknown>,
  supports: Required<Supports>,
  batch: Batch<unknown>,
  load: Load,
  step: () => void,
): Promise<Outcome[]> {
  const outcomes: Outcome[] = []
  for (const group of batch.groups) outcomes.push(await execute(backend, supports, group, load, step))
  return outcomes
}

async function execute(
  backend: Backend<unknown>,
  supports: Required<Supports>,
  group: Group<unknown>,
  load: Load,
  step: () => void,
): Promise<Outcome> {
  if (group.conditions.length > 0) return { status: 'refused', error: noConditions() }
  const results: unknown[] = []
  try {
    for (const operation of group.operations) {
      step()
      results.push(await apply(backend, supports, operation, load, step))
    }
  } catch (error) {
    return { status: 'refused', error: results.length > 0 ? partlyDone(error, results.length, group) : unknown(error) }
  }
  return { status: 'done', results }
}

function apply(
  backend: Backend<unknown>,
  supports: Required<Supports>,
  operation: Operation<unknown>,
  load: Load,
  step: () => void,
): Awaitable<unknown> {
  switch (operation.type) {
    case 'set':
      return backend.persist(operation.key, operation.stored)
    case 'delete':
      return backend.depersist(operation.key)
    case 'clear':
      return removeAll(backend, load, step)
    case 'pop':
      return supports.pop && backend.pop ? backend.pop(operation.key) : popByDefault(backend, operation.key, load)
    case 'setDefault':
      return supports.setDefault && backend.setDefault
        ? backend.setDefault(operation.key, operation.stored)
        : setDefaultByDefault(backend, operation.key, operation.stored, load)
  }
}

async function removeAll(backend: Backend<unknown>, load: Load, step: () => void): Promise<void> {
  const keys = Array.from((await load()).entries, ([key]) => key)
  for (const [done, key] of keys.entries()) {
    try {
      step()
      await backend.depersist(key)
    } catch (error) {
      throw done > 0 ? halfCleared(error, done, keys.length) : error
    }
  }
}

/** `depersist` tells whether the key was there, so that of two callers only one gets the value. */
async function popByDefault(backend: Backend<unknown>, key: string, load: Load): Promise<unknown> {
  const stored = find(await load(), key)
  return stored !== undefined && (await backend.depersist(key)) ? stored : undefined
}

async function setDefaultByDefault(
  backend: Backend<unknown>,
  key: string,
  wanted: unknown,
  load: Load,
): Promise<unknown> {
  const stored = find(await load(), key)
  if (stored !== undefined) return stored
  await backend.persist(key, wanted)
  return wanted
}

function find(state: State<unknown>, key: string): unknown {
  for (const [candidate, stored] of state.entries) if (candidate === key) return stored
  return undefined
}

function noConditions(): UnsupportedError {
  return new UnsupportedError('transact() and reencode() need a backend with commit(), which this one has not.')
}

function unknown(error: unknown): DurableDictError {
  if (error instanceof DurableDictError) return error
  return new AmbiguousWriteError('The store failed during the write: it may or may not have taken effect.', {
    cause: error,
  })
}

function halfCleared(error: unknown, done: number, all: number): AmbiguousWriteError {
  return new AmbiguousWriteError(
    `The store failed after ${done} of ${all} keys were removed. ` +
      'This backend has no commit(), so what was done before stays done.',
    { cause: error },
  )
}

function partlyDone(error: unknown, done: number, group: Group<unknown>): AmbiguousWriteError {
  return new AmbiguousWriteError(
    `The store failed after ${done} of ${group.operations.length} operations. ` +
      'This backend has no commit(), so what was done before stays done.',
    { cause: error },
  )
}
