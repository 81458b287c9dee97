import assert from 'node:assert/strict'
import type { DurableDictError } from '../errors/errors.js'

/** A class of the library's errors. */
type Kind<E extends DurableDictError> = abstract new (...args: never[]) => E

/** Expects a rejection with an error of this class that names the dictionary and, if any, the key. Returns the error. */
export async function rejects<E extends DurableDictError>(
  work: Promise<unknown>,
  kind: Kind<E>,
  key?: string,
): Promise<E> {
  const error = await failure(work)
  assert.ok(error instanceof kind, `${kind.name} was to be expected; got ${describeFailure(error)}`)
  assert.match(error.code, /^DURABLEDICT_/)
  if (key !== undefined) assert.equal(error.key, key)
  return error
}

/** Expects a rejection with a `TypeError`: misuse in code. */
export async function rejectsMisuse(work: Promise<unknown>): Promise<void> {
  const error = await failure(work)
  assert.ok(error instanceof TypeError, `TypeError was to be expected; got ${describeFailure(error)}`)
}

/** Returns the rejection of the promise. */
export async function failure(work: Promise<unknown>): Promise<unknown> {
  let value: unknown
  try {
    value = await work
  } catch (error) {
    return error
  }
  return assert.fail(`a rejection was to be expected; it resolved with ${describeFailure(value)}`)
}

function describeFailure(value: unknown): string {
  return value instanceof Error ? (value.stack ?? value.message) : String(value)
}
