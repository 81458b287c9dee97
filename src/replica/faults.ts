import { AmbiguousWriteError, DurableDictError, StoreUnavailableError } from '../errors/errors.js'
import { describeError } from '../errors/for-key.js'

/** What a reader is told when the store failed. Errors of the family pass as they are. */
export function readFault(cause: unknown, dictionary: string): DurableDictError {
  if (cause instanceof DurableDictError) return cause
  return new StoreUnavailableError(
    `The store of dictionary "${dictionary}" could not be read: ${describeError(cause)} ` +
      'Try again later; "local" goes on serving what memory holds.',
    { dictionary, cause },
  )
}

/** What a caller of `open` is told, who has no memory to fall back on. */
export function openFault(cause: unknown, dictionary: string): DurableDictError {
  if (cause instanceof DurableDictError) return cause
  return new StoreUnavailableError(
    `Dictionary "${dictionary}" could not be opened: ${describeError(cause)} Nothing stays open; check the store, and try again.`,
    { dictionary, cause },
  )
}

/** What a writer is told when the store failed: without better knowledge, that the outcome is unknown. */
export function writeFault(cause: unknown, dictionary: string): DurableDictError {
  if (cause instanceof DurableDictError) return cause
  return new AmbiguousWriteError(
    `The store of dictionary "${dictionary}" failed during a write, which may or may not have taken effect: ` +
      `${describeError(cause)} Read the key again before you repeat the write.`,
    { dictionary, cause },
  )
}

/** What a reader is told who has waited for a full load for as long as the option `timeout` allows. */
export function loadingLate(ms: number): Error {
  return new Error(`Everything is being loaded, which takes longer than ${ms} ms (option "timeout"), and goes on.`)
}

/** What a writer is told whose write has waited behind others for as long as the option `timeout` allows. */
export function notSent(ms: number, dictionary: string): StoreUnavailableError {
  return new StoreUnavailableError(
    `The write was not sent to the store of dictionary "${dictionary}": its time, ${ms} ms (option "timeout"), went by before. ` +
      'It did not take effect. Try again later.',
    { dictionary },
  )
}

/** What a writer is told whose write is done, while memory could not be brought up to it. */
export function notFollowed(cause: unknown, dictionary: string): AmbiguousWriteError {
  return new AmbiguousWriteError(
    `The write to dictionary "${dictionary}" took effect, but memory could not be brought up to it: ${describeError(cause)}`,
    { dictionary, cause },
  )
}

/** What is told of a dictionary that is closed, while its store did not let go as it should. */
export function closeFault(cause: unknown, dictionary: string): DurableDictError {
  if (cause instanceof DurableDictError) return cause
  return new StoreUnavailableError(
    `Dictionary "${dictionary}" is closed, but its store did not let go of it: ${describeError(cause)}`,
    { dictionary, cause },
  )
}
