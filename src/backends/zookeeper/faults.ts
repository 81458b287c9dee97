import { AmbiguousWriteError, DurableDictError, StoreUnavailableError } from '../../errors/errors.js'
import { describeError } from '../../errors/for-key.js'
import { CODE, Refusal, TooLarge } from './transport.js'

/** What to do about a refusal, by its code. Nothing was executed. */
const ADVICE: Readonly<Record<number, string>> = {
  [CODE.NO_AUTH]:
    'The access control lists of the znodes do not permit this: grant the right to the session, or use other credentials.',
  [CODE.AUTH_FAILED]: 'The ensemble rejects the credentials: correct them.',
  [CODE.INVALID_ACL]:
    'Option "acl" is not a valid access control list, or needs credentials that the session does not have.',
  [CODE.NOT_EMPTY]: 'The znode of a key has children, which do not belong to the dictionary: remove them.',
  [CODE.QUOTA_EXCEEDED]: 'The quota of the path is exhausted: raise it, or delete keys.',
}

/** Refusals that time does not cure. */
const LASTING: ReadonlySet<number> = new Set([CODE.NO_AUTH, CODE.AUTH_FAILED, CODE.INVALID_ACL, CODE.NO_NODE])

/** Returns whether the ensemble refuses the dictionary: see `Backend.refuses`. Without a cause, its answer was wrong: the chroot is missing. */
export function isRefused(error: unknown): boolean {
  if (error instanceof Refusal) return LASTING.has(error.code)
  return error instanceof StoreUnavailableError && error.cause === undefined
}

/** Converts the error of a failed call. Returns `undefined` for a connection fault. */
function explain(fault: unknown, dictionary: string): DurableDictError | undefined {
  if (fault instanceof DurableDictError) return fault
  if (fault instanceof TooLarge) return tooLong(fault, dictionary)
  if (!(fault instanceof Refusal)) return undefined
  const advice = ADVICE[fault.code]
  if (advice === undefined) return undefined
  return new StoreUnavailableError(`Dictionary "${dictionary}": ${advice} (${fault.message})`, {
    dictionary,
    cause: fault,
  })
}

/** Values are read one by one, so only the list of all names can be too long. */
function tooLong(cause: TooLarge, dictionary: string): StoreUnavailableError {
  return new StoreUnavailableError(
    `Dictionary "${dictionary}" cannot be loaded because its znode has too many children. ${cause.message} Remove those that ` +
      'other programs have created.',
    { dictionary, cause },
  )
}

/** Converts an error for a reader. */
export function readFault(fault: unknown, dictionary: string): unknown {
  return explain(fault, dictionary) ?? fault
}

/** The error for a write that did not take effect. */
export function notWritten(fault: unknown, dictionary: string): DurableDictError {
  const explained = explain(fault, dictionary)
  if (explained) return explained
  const message = `The write to dictionary "${dictionary}" did not take effect: ${describeError(fault)}`
  return new StoreUnavailableError(message, { dictionary, cause: fault })
}

/** The error for a write whose outcome is unknown. */
export function ambiguous(fault: unknown, dictionary: string): AmbiguousWriteError {
  return new AmbiguousWriteError(
    `The connection was lost during a write to dictionary "${dictionary}", which may or may not have taken effect: ` +
      `${describeError(fault)} Read the key again before you repeat the write.`,
    { dictionary, cause: fault },
  )
}
