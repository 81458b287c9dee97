import { AmbiguousWriteError, DurableDictError, StoreUnavailableError, UnsupportedError } from '../../errors/errors.js'

/** Error replies that are temporary: nothing was executed, and the same command may succeed shortly. */
const PASSING = new Set(['LOADING', 'TRYAGAIN', 'CLUSTERDOWN', 'MASTERDOWN'])

/** What to do about an error reply, by its first word. Nothing was executed. */
const ADVICE: Readonly<Record<string, string>> = {
  READONLY: 'The client is connected to a replica, which may be behind and rejects writes: connect it to the primary.',
  OOM: 'The server is out of memory (maxmemory), and nothing was written: delete entries, or raise the limit.',
  WRONGTYPE: 'A key of this name holds another type than a dictionary: choose another name, or rename that key.',
  NOAUTH: 'The server requires a password: set it in the options of the client.',
  WRONGPASS: 'The server rejects the user name or the password: correct them in the options of the client.',
  NOPERM: 'The user lacks a right: grant the rights that the documentation of RedisDict lists.',
  MISCONF: 'The server rejects writes because it cannot save its data: see its log.',
  NOREPLICAS: 'The server rejects writes because too few replicas are connected (min-replicas-to-write).',
  MOVED: 'The server is part of a cluster: use a cluster client.',
  ASK: 'The server is part of a cluster: use a cluster client.',
  CROSSSLOT: 'The server is part of a cluster: use a cluster client without a keyPrefix.',
  BUSY: 'A long-running script blocks the server.',
  LOADING: 'The server is loading its data.',
  TRYAGAIN: 'The hash slot of the dictionary is being moved to another server.',
  CLUSTERDOWN: 'The cluster has no server for the hash slot of the dictionary.',
  MASTERDOWN: 'The client is connected to a replica that has lost its primary: connect it to the primary.',
}

/** Error replies that time does not cure: the client, the rights or the name must be corrected. */
const REFUSALS = new Set(['WRONGTYPE', 'NOAUTH', 'WRONGPASS', 'NOPERM', 'MOVED', 'ASK', 'CROSSSLOT'])

/** Returns whether the server refuses the dictionary: see `Backend.refuses`. */
export function isRefusal(error: unknown): boolean {
  if (!(error instanceof Error) || replyCode(error) === undefined)
    return error instanceof Error && isSubscriberMode(error)
  return REFUSALS.has(replyCode(error) as string) || nested(error.message) === ADVICE.NOPERM
}

/** Returns the first word of an error reply, or `undefined` if the error is a connection fault. */
export function replyCode(error: unknown): string | undefined {
  if (!(error instanceof Error) || 'syscall' in error) return undefined
  return /^-?([A-Z][A-Z]+)(?= |$)/.exec(error.message)?.[1]
}

export function isPassing(error: unknown): boolean {
  return PASSING.has(replyCode(error) ?? '') || (error instanceof Error && matches(error, OFFLINE))
}

/** The client had no connection for the command, but may have one shortly. */
const OFFLINE = /^TimeoutError$|^ClientOfflineError$|enableOfflineQueue/

/** Returns whether the client reports that it never sent the command. */
export function neverSent(error: unknown): boolean {
  return error instanceof Error && (matches(error, OFFLINE) || matches(error, UNSENT) || isSubscriberMode(error))
}

const UNSENT = /^AbortError$|^ClientClosedError$|^RangeError$|Cluster is ended|queue is full|Invalid string length/

/** Clients identify an error by its class, name or message. */
function matches(error: Error, kinds: RegExp): boolean {
  return kinds.test(error.name) || kinds.test(error.constructor.name) || kinds.test(error.message)
}

function isSubscriberMode(error: Error): boolean {
  return /subscriber mode|only \(P\|S\)SUBSCRIBE/.test(error.message)
}

/** The error for a client that is not connected and is not trying to connect. */
export function clientClosed(label: string, remedy: string): StoreUnavailableError {
  return new StoreUnavailableError(
    `${label} is not connected: it was never connected, or it was closed. Connect it before you open dictionaries (${remedy}), and close it after them.`,
  )
}

/** Converts the error of a failed command to an error with advice. Returns `undefined` for a connection fault. */
export function explain(error: unknown, dictionary: string): DurableDictError | undefined {
  if (error instanceof DurableDictError) return withName(error, dictionary)
  if (!(error instanceof Error)) return undefined
  const details = { dictionary, cause: error }
  if (isSubscriberMode(error)) {
    return new StoreUnavailableError(
      `The client of dictionary "${dictionary}" is in subscriber mode and accepts no other commands: use a separate client.`,
      details,
    )
  }
  if (tooOld(error)) {
    return new UnsupportedError(
      `The server of dictionary "${dictionary}" is too old: use Redis 7.0 or later, or Valkey.`,
      details,
    )
  }
  const advice = adviceFor(error)
  if (advice === undefined) return undefined
  return new StoreUnavailableError(`Dictionary "${dictionary}": ${advice} (${error.message})`, details)
}

function adviceFor(error: Error): string | undefined {
  const code = replyCode(error)
  if (code === undefined) return undefined
  return isTooLarge(error) ? TOO_LARGE : (ADVICE[code] ?? nested(error.message))
}

const TOO_LARGE =
  'A write exceeds the server limit proto-max-bulk-len. Neither it nor the writes sent with it were stored.'

/** Returns whether the server rejected the command because of its size. */
export function isTooLarge(error: unknown): boolean {
  return error instanceof Error && /Protocol error: invalid (multi)?bulk length/.test(error.message)
}

/** Servers older than 7.0 report the shebang of a script as a syntax error, or do not support sharded messages. */
function tooOld({ message }: Error): boolean {
  return /compil.*#|unexpected symbol near '#'|unknown command.*ssubscribe/i.test(message)
}

/** The advice for an error reply to a command inside a script. */
function nested(message: string): string | undefined {
  const code = Object.keys(ADVICE).find(word => new RegExp(`\\b${word}\\b`).test(message))
  if (code !== undefined) return ADVICE[code]
  return /can't run this command|permission/i.test(message) ? ADVICE.NOPERM : undefined
}

function withName(error: DurableDictError, dictionary: string): DurableDictError {
  if (error.dictionary !== undefined || !(error instanceof StoreUnavailableError)) return error
  return new StoreUnavailableError(`Dictionary "${dictionary}": ${error.message}`, { dictionary, cause: error })
}

/** The error for a write that did not take effect. */
export function notWritten(cause: unknown, dictionary: string): DurableDictError {
  const explained = explain(cause, dictionary)
  if (explained) return explained
  const reason = cause instanceof Error ? cause.message : String(cause)
  return new StoreUnavailableError(`The write to dictionary "${dictionary}" did not reach the server: ${reason}`, {
    dictionary,
    cause,
  })
}

/** The error for a write whose outcome is unknown. */
export function ambiguous(cause: unknown, dictionary: string): AmbiguousWriteError {
  const reason = cause instanceof Error ? cause.message : String(cause)
  return new AmbiguousWriteError(
    `The connection was lost during a write to dictionary "${dictionary}", which may or may not have taken effect: ` +
      `${reason} Read the key again before you repeat the write.`,
    { dictionary, cause },
  )
}
