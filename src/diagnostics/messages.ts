/** The dictionary that a message is about. */
export interface DiagnosticSubject {
  /** The dictionary's name. */
  readonly name: string
  /** The kind of its store: `'redis'`, `'sqlite'`, `'model'`, …; `'custom'` for a backend that names none. */
  readonly store: string
}

/** What went wrong, without message and cause: those may name a key or contain a value. */
export interface DiagnosticFault {
  /** The name of the error's class. */
  readonly name: string
  /** The code of the library's error: `'DURABLEDICT_STORE_UNAVAILABLE'`. Left out for other errors. */
  readonly code?: string
  /** The code of the error that caused it, of the driver or the network: `'ECONNREFUSED'`. Left out if there is none. */
  readonly cause?: string
}

/**
 * What subscribers of a tracing channel get: the same object at each event of an operation. The operation's end adds the members
 * that are not known at its start.
 */
export interface TracedMessage extends DiagnosticSubject {
  /** `'ok'`, `'conflict'`, or what went wrong: the code of the error, `'error'` if it has none. */
  outcome?: string
  /** In milliseconds. */
  duration?: number
  /** Present if the operation failed. */
  error?: DiagnosticFault
}

/** `durabledict:open`: a dictionary opens. */
export interface OpenMessage extends TracedMessage {}

/** `durabledict:check`: one question to the store whether anything changed, for any number of reads. */
export interface CheckMessage extends TracedMessage {
  /** Whether a caller waits for it. Otherwise the background makes it. */
  readonly awaited: boolean
}

/** `durabledict:load`: everything is loaded. */
export interface LoadMessage extends TracedMessage {
  /** How many entries were loaded. Added at the end. */
  entries?: number
}

/** `durabledict:commit`: one write of a caller. It may share its round trip with others. */
export interface CommitMessage extends TracedMessage {
  /** How many operations it consists of. */
  readonly operations: number
}

/** `durabledict:sync`: memory moved to another state. */
export interface SyncMessage extends DiagnosticSubject {
  readonly reason: 'changes' | 'loaded' | 'diverged'
  /** How many changes of entries memory applied; 0 if everything was loaded. */
  readonly changes: number
}

/** `durabledict:stale`: memory was not confirmed within its bound, or a background task failed. */
export interface StaleMessage extends DiagnosticSubject {
  /** In milliseconds. */
  readonly staleness: number
  readonly cause: DiagnosticFault | undefined
}

/** `durabledict:fresh`: memory is confirmed again. */
export interface FreshMessage extends DiagnosticSubject {
  /** In milliseconds. */
  readonly staleness: number
}

/** `durabledict:conflict`: an attempt of a transaction or a revert conflicted with a concurrent write, and wrote nothing. */
export interface ConflictMessage extends DiagnosticSubject {}
