import { ConflictError, DurableDictError, HistoryError, InvalidValueError } from '../errors/errors.js'
import { toIssues } from './entry.js'
import { Refusal } from './refusal.js'

/** How many issues of a schema a message has. */
const SHOWN = 3

/** What the library advises at the end of its message: programs, not people. */
const FOR_PROGRAMS = / Look at their history first; revert with \{ force.*$/s

/**
 * Returns the refusal of a revert that the user may force: later commits changed the same keys, or the schema does not accept an old value.
 *
 * @param isMasked - whether the values of a key must not be shown: the messages of a schema may quote them.
 */
export function forcible(error: unknown, isMasked: (key: string) => boolean): Refusal | undefined {
  if (error instanceof ConflictError) {
    const message = `${error.message.replace(FOR_PROGRAMS, '')} Look at their history first.`
    return new Refusal(409, error.code, message, { forcible: true })
  }
  const { key, cause } = Object(error) as { key?: string; cause?: unknown }
  if (!(error instanceof HistoryError) || key === undefined) return undefined
  if (!(cause instanceof DurableDictError)) return undefined
  const why = reasonOf(cause, isMasked(key))
  const message = `Nothing was reverted: the dictionary no longer accepts what key ${JSON.stringify(key)} held before. ${why}`
  return new Refusal(409, error.code, message, { forcible: true })
}

/** Other messages may list keys that the user may not see. */
function reasonOf(cause: DurableDictError, masked: boolean): string {
  if (masked) return 'The key is masked, so that the reason is not shown.'
  if (!(cause instanceof InvalidValueError)) return 'It does not accept the key, or cannot decode the value.'
  const issues = toIssues(cause).slice(0, SHOWN)
  return issues.map(({ path, message }) => [...path, message].join(': ')).join('; ')
}
