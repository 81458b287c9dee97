import { AmbiguousWriteError, DurableDictError, StoreUnavailableError } from '../errors/errors.js'
import { describeError } from '../errors/for-key.js'

/** The error for a reader when the store failed. Errors of the family pass unchanged. */
export function readFault(cause: unknown, dictionary: string): DurableDictError {
  if (cause instanceof DurableDictError) return cause
  return new StoreUnavailableError(
    `The store of dictionary "${dictionary}" could not be read: ${describeError(cause)} ` +
      'Try again later; "local" still serves what memory holds.',
    { dictionary, cause },
  )
}

/** The error for a caller of `open`, which has no memory to fall back on. */
export function openFault(cause: unknown, dictionary: string): DurableDictError {
  if (cause instanceof DurableDictError) return cause
  return new StoreUnavailableError(
    `Dictionary "${dictionary}" could not be opened: ${describeError(cause)} Nothing stays open; check the store, and try again.`,
    { dictionary, cause },
  )
}

/** The error for a writer when the store failed. Unless the cause says otherwise, the outcome is unknown. */
export function writeFault(cause: unknown, dictionary: string): DurableDictError {
  if (cause instanceof DurableDictError) return cause
  return new AmbiguousWriteError(
    `The store of dictionary "${dictionary}" failed during a write, which may or may not have taken effect: ` +
      `${describeError(cause)} Read the key again before you repeat the write.`,
    { dictionary, cause },
  )
}

/** The cause for a reader that waited for a full load for as long as the option `timeout` allows. */
export function loadingLate(ms: number): Error {
  return new Error(`Loading everything takes longer than ${ms} ms (option "timeout"). It continues in the background.`)
}

/** The error for a write that waited behind others for as long as the option `timeout` allows. */
export function notSent(ms: number, dictionary: string): StoreUnavailableError {
  return new StoreUnavailableError(
    `The write was not sent to the store of dictionary "${dictionary}": it waited for ${ms} ms (option "timeout") behind other writes. ` +
      'It did not take effect. Try again later.',
    { dictionary },
  )
}

/** The error for a write that took effect when memory could not catch up. */
export function notFollowed(cause: unknown, dictionary: string): AmbiguousWriteError {
  return new AmbiguousWriteError(
    `The write to dictionary "${dictionary}" took effect, but memory could not catch up with it: ${describeError(cause)}`,
    { dictionary, cause },
  )
}

/** The error of `close` when the dictionary is closed, but its backend failed to close. */
export function closeFault(cause: unknown, dictionary: string): DurableDictError {
  if (cause instanceof DurableDictError) return cause
  return new StoreUnavailableError(
    `Dictionary "${dictionary}" is closed, but its backend failed to close: ${describeError(cause)}`,
    { dictionary, cause },
  )
}
