import { AmbiguousWriteError, DurableDictError, StoreUnavailableError } from '../../errors/errors.js'
import { describeError } from '../../errors/for-key.js'
import { CODE, Refusal, TooLarge } from './transport.js'

/** What is to be done about a refusal, by its code. Nothing was executed. */
const ADVICE: Readonly<Record<number, string>> = {
  [CODE.NO_AUTH]: 'The access control lists of the znodes do not allow this session to do that.',
  [CODE.AUTH_FAILED]: 'The ensemble refuses the credentials.',
  [CODE.INVALID_ACL]:
    'The option "acl" is no valid access control list, or needs credentials that the session has not.',
  [CODE.NOT_EMPTY]: 'The znode of a key has children, which are none of the dictionary: remove them.',
  [CODE.QUOTA_EXCEEDED]: 'The quota of the path is used up.',
}

/** What a failed call is told as; nothing where it is no refusal, but a fault on the way. */
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

/** Values are read one by one, so that only the list of all names can be too long. */
function tooLong(cause: TooLarge, dictionary: string): StoreUnavailableError {
  return new StoreUnavailableError(
    `Dictionary "${dictionary}" cannot be loaded, since its znode has too many children. ${cause.message} Remove those that ` +
      'other programs have created.',
    { dictionary, cause },
  )
}

/** What a reader is told. */
export function readFault(fault: unknown, dictionary: string): unknown {
  return explain(fault, dictionary) ?? fault
}

/** A write that surely did not take effect. */
export function notWritten(fault: unknown, dictionary: string): DurableDictError {
  const told = explain(fault, dictionary)
  if (told) return told
  const message = `The write to dictionary "${dictionary}" did not take effect: ${describeError(fault)}`
  return new StoreUnavailableError(message, { dictionary, cause: fault })
}

/** A write whose outcome is not known. */
export function ambiguous(fault: unknown, dictionary: string): AmbiguousWriteError {
  return new AmbiguousWriteError(
    `The connection was lost during a write to dictionary "${dictionary}", which may or may not have taken effect: ` +
      `${describeError(fault)} Read the key again before you repeat the write.`,
    { dictionary, cause: fault },
  )
}
