import { AmbiguousWriteError, DurableDictError, StoreUnavailableError, UnsupportedError } from '../../errors/errors.js'

/** Error replies after which the same command may well succeed shortly. Nothing was executed. */
const PASSING = new Set(['LOADING', 'TRYAGAIN', 'CLUSTERDOWN', 'MASTERDOWN'])

/** What is to be done about an error reply, by its first word. Nothing was executed. */
const ADVICE: Readonly<Record<string, string>> = {
  READONLY: 'The client is connected to a replica, which may be behind and takes no writes: connect it to the primary.',
  OOM: 'The server is out of memory (maxmemory), and nothing was written: delete entries, or raise the limit.',
  WRONGTYPE: 'A key of this name holds another type than a dictionary: choose another name, or rename that key.',
  NOAUTH: 'The server asks for a password: give it to the client.',
  WRONGPASS: 'The server refuses the password or the user.',
  NOPERM: 'The user lacks a right; the documentation of RedisDict lists those that are needed.',
  MISCONF: 'The server refuses writes since it cannot save its data.',
  NOREPLICAS: 'The server refuses writes since too few replicas are connected (min-replicas-to-write).',
  MOVED: 'The server is part of a cluster: use a cluster client.',
  ASK: 'The server is part of a cluster: use a cluster client.',
  CROSSSLOT: 'The server is part of a cluster: use a cluster client without a keyPrefix.',
  BUSY: 'A script keeps the server busy.',
  LOADING: 'The server is loading its data.',
  TRYAGAIN: 'The hash slot of the dictionary is being moved to another server.',
  CLUSTERDOWN: 'The cluster has no server for the hash slot of the dictionary.',
  MASTERDOWN: 'The client is connected to a replica that has lost its primary: connect it to the primary.',
}

/** The first word of an error reply; nothing where it is no reply, but a fault on the way. */
export function replyCode(error: unknown): string | undefined {
  if (!(error instanceof Error) || 'syscall' in error) return undefined
  return /^-?([A-Z][A-Z]+)(?= |$)/.exec(error.message)?.[1]
}

export function isPassing(error: unknown): boolean {
  return PASSING.has(replyCode(error) ?? '') || (error instanceof Error && isOf(error, OFFLINE))
}

/** The client had no connection for the command, and may have one shortly. */
const OFFLINE = /^TimeoutError$|^ClientOfflineError$|enableOfflineQueue/

/** Whether the client says that the command never left it. */
export function neverSent(error: unknown): boolean {
  return error instanceof Error && (isOf(error, OFFLINE) || isOf(error, UNSENT) || isSubscriberMode(error))
}

const UNSENT = /^AbortError$|^ClientClosedError$|^RangeError$|Cluster is ended|queue is full|Invalid string length/

/** Clients tell by the class, the name or the message. */
function isOf(error: Error, kinds: RegExp): boolean {
  return kinds.test(error.name) || kinds.test(error.constructor.name) || kinds.test(error.message)
}

function isSubscriberMode(error: Error): boolean {
  return /subscriber mode|only \(P\|S\)SUBSCRIBE/.test(error.message)
}

/** A client that is not connected and does not try to be. */
export function clientClosed(label: string, remedy: string): StoreUnavailableError {
  return new StoreUnavailableError(
    `${label} is not connected: it never was, or it was closed. Connect it first (${remedy}), and close it last.`,
  )
}

/** What a failed command is told as: with advice where there is any, nothing where it is a fault on the way. */
export function explain(error: unknown, dictionary: string): DurableDictError | undefined {
  if (error instanceof DurableDictError) return withName(error, dictionary)
  if (!(error instanceof Error)) return undefined
  const details = { dictionary, cause: error }
  if (isSubscriberMode(error)) {
    return new StoreUnavailableError(
      `The client of dictionary "${dictionary}" is in subscriber mode, where it takes no commands: use another one.`,
      details,
    )
  }
  if (tooOld(error)) {
    return new UnsupportedError(
      `The server of dictionary "${dictionary}" is too old: Redis 7.0 or later, or Valkey, is needed.`,
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
  'A write is larger than the server takes (proto-max-bulk-len), and nothing was written, nor what was sent with it.'

/** Whether the server has refused to read the command on. */
export function isTooLarge(error: unknown): boolean {
  return error instanceof Error && /Protocol error: invalid (multi)?bulk length/.test(error.message)
}

/** Servers before 7.0 take the shebang of a script for an error, or know no sharded messages. */
function tooOld({ message }: Error): boolean {
  return /compil.*#|unexpected symbol near '#'|unknown command.*ssubscribe/i.test(message)
}

/** The advice for an error that a command inside a script was answered with. */
function nested(message: string): string | undefined {
  const code = Object.keys(ADVICE).find(word => new RegExp(`\\b${word}\\b`).test(message))
  if (code !== undefined) return ADVICE[code]
  return /can't run this command|permission/i.test(message) ? ADVICE.NOPERM : undefined
}

function withName(error: DurableDictError, dictionary: string): DurableDictError {
  if (error.dictionary !== undefined || !(error instanceof StoreUnavailableError)) return error
  return new StoreUnavailableError(`Dictionary "${dictionary}": ${error.message}`, { dictionary, cause: error })
}

/** A write that surely did not take effect. */
export function notWritten(cause: unknown, dictionary: string): DurableDictError {
  const told = explain(cause, dictionary)
  if (told) return told
  const reason = cause instanceof Error ? cause.message : String(cause)
  return new StoreUnavailableError(`The write to dictionary "${dictionary}" did not reach the server: ${reason}`, {
    dictionary,
    cause,
  })
}

/** A write whose outcome is not known. */
export function ambiguous(cause: unknown, dictionary: string): AmbiguousWriteError {
  const reason = cause instanceof Error ? cause.message : String(cause)
  return new AmbiguousWriteError(
    `The connection was lost during a write to dictionary "${dictionary}", which may or may not have taken effect: ` +
      `${reason} Read the key again before you repeat the write.`,
    { dictionary, cause },
  )
}
