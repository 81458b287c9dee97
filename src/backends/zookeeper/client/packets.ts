import type { Children, Stat, Step, Znode } from '../transport.js'
import { CODE, Refusal } from '../transport.js'
import { type Input, Output } from './jute.js'

/** The types of requests. */
const TYPE = {
  create: 1,
  delete: 2,
  exists: 3,
  getData: 4,
  set: 5,
  getChildren2: 12,
  check: 13,
  multi: 14,
  multiRead: 22,
  auth: 100,
  addWatch: 106,
  closeSession: -11,
  error: -1,
} as const

/** The smallest size of a child's name, in bytes: its length and one character. */
const LEAST_NAME_BYTES = 5

/** The type of an event about children. */
const CHILDREN_CHANGED = 4

/** Request ids that the protocol reserves. */
export const XID = { event: -1, auth: -4 } as const

/** An entry of an access control list. */
export interface Acl {
  readonly perms: number
  readonly scheme: string
  readonly id: string
}

/** The identity of a session. Id 0 requests a new session. */
export interface SessionIdentity {
  readonly id: bigint
  readonly password: Buffer
}

/** The credentials of a client. */
export interface Credentials {
  readonly scheme: string
  readonly auth: Buffer
}

export const NO_SESSION: SessionIdentity = { id: 0n, password: Buffer.alloc(16) }

/** @param zxid - the latest transaction seen: a server that lags behind it refuses the connection. */
export function connectRequest(zxid: bigint, timeout: number, session: SessionIdentity): Buffer {
  return new Output().int(0).long(zxid).int(timeout).long(session.id).bytes(session.password).bool(false).frame()
}

/** The length of a session's password, in bytes. */
const PASSWORD_BYTES = 16

/** A timeout of 0 means that the session has expired. */
export function readConnectReply(input: Input): { timeout: number; session: SessionIdentity } {
  input.int()
  const timeout = input.int()
  const session = { id: input.long(), password: Buffer.from(input.bytes()) }
  const isSession = session.id !== 0n && session.password.length === PASSWORD_BYTES
  if (timeout > 0 && !isSession) throw new RangeError('The greeting names no session.')
  return { timeout, session }
}

export function authRequest({ scheme, auth }: Credentials): Buffer {
  return header(XID.auth, TYPE.auth).int(0).text(scheme).bytes(auth).frame()
}

export function closeRequest(xid: number): Buffer {
  return header(xid, TYPE.closeSession).frame()
}

export function existsRequest(xid: number, path: string): Buffer {
  return header(xid, TYPE.exists).text(path).bool(false).frame()
}

export function getDataRequest(xid: number, path: string): Buffer {
  return header(xid, TYPE.getData).text(path).bool(false).frame()
}

/** Requests several znodes at once. */
export function multiReadRequest(xid: number, paths: readonly string[]): Buffer {
  const output = header(xid, TYPE.multiRead)
  for (const path of paths) output.int(TYPE.getData).bool(false).int(-1).text(path).bool(false)
  return output.int(-1).bool(true).int(-1).frame()
}

/** Requests a persistent, non-recursive watch on a znode, which need not exist yet. */
export function addWatchRequest(xid: number, path: string): Buffer {
  return header(xid, TYPE.addWatch).text(path).int(0).frame()
}

export function getChildrenRequest(xid: number, path: string): Buffer {
  return header(xid, TYPE.getChildren2).text(path).bool(false).frame()
}

export function multiRequest(xid: number, steps: readonly Step[], acl: readonly Acl[]): Buffer {
  const output = header(xid, TYPE.multi)
  for (const step of steps) {
    output.int(TYPE[step.type]).bool(false).int(-1)
    addStep(output, step, acl)
  }
  return output.int(-1).bool(true).int(-1).frame()
}

/** Returns whether an event is about a znode's children, not the znode itself. */
export function isAboutChildren(input: Input): boolean {
  const type = input.int()
  // The state of the session, then the znode's path.
  input.int()
  input.text()
  return type === CHILDREN_CHANGED
}

export function readStat(input: Input): Stat {
  const [czxid, mzxid] = [input.long(), input.long()]
  const [ctime, mtime] = [Number(input.long()), Number(input.long())]
  const [version, cversion] = [input.int(), input.int()]
  input.int()
  input.long()
  input.int()
  input.int()
  input.long()
  return { czxid, mzxid, version, cversion, ctime, mtime }
}

export function readZnode(input: Input): Znode {
  const data = Buffer.from(input.bytes())
  return { data, stat: readStat(input) }
}

export function readChildren(input: Input): Children {
  const names = Array.from({ length: input.count(LEAST_NAME_BYTES) }, () => input.text())
  return { names, stat: readStat(input) }
}

/**
 * Reads the results of a transaction: one for each step, of the step's type.
 *
 * @throws Refusal that names the failed step.
 */
export function readMulti(input: Input, steps: readonly Pick<Step, 'type'>[]): (Stat | undefined)[] {
  const stats: (Stat | undefined)[] = []
  let refusal: Refusal | undefined
  let failed = 0
  for (const { type: expected } of steps) {
    const [type, done] = [input.int(), input.bool()]
    input.int()
    const isError = type === TYPE.error && !done
    if (!isError && (done || type !== TYPE[expected])) throw new RangeError('The results are not those of the steps.')
    failed += isError ? 1 : 0
    const code = isError ? input.int() : 0
    // Steps before the failed one have code 0; those after it have a general error.
    if (code !== 0) refusal ??= new Refusal(code, stats.length)
    if (type === TYPE.create) input.text()
    stats.push(type === TYPE.set ? readStat(input) : undefined)
  }
  const [, done] = [input.int(), input.bool()]
  if (!done || failed > 0 !== (refusal !== undefined)) throw new RangeError('The results are not those of the steps.')
  if (refusal) throw refusal
  return stats
}

/**
 * Reads the znodes of {@link multiReadRequest}.
 *
 * @param count - of the requested ones.
 * @throws Refusal if one of them may not be read.
 */
export function readZnodes(input: Input, count: number): (Znode | undefined)[] {
  const znodes: (Znode | undefined)[] = []
  let refusal: Refusal | undefined
  for (let index = 0; index < count; index += 1) {
    const [type, done] = [input.int(), input.bool()]
    input.int()
    if (done || (type !== TYPE.getData && type !== TYPE.error))
      throw new RangeError('The results are not those of the reads.')
    const code = type === TYPE.error ? input.int() : 0
    if (code !== 0 && code !== CODE.NO_NODE) refusal ??= new Refusal(code, index)
    znodes.push(type === TYPE.getData ? readZnode(input) : undefined)
  }
  const [, done] = [input.int(), input.bool()]
  if (!done) throw new RangeError('The results are not those of the reads.')
  if (refusal) throw refusal
  return znodes
}

function header(xid: number, type: number): Output {
  return new Output().int(xid).int(type)
}

function addStep(output: Output, step: Step, acl: readonly Acl[]): void {
  output.text(step.path)
  if (step.type === 'create') {
    output.bytes(step.data).int(acl.length)
    for (const { perms, scheme, id } of acl) output.int(perms).text(scheme).text(id)
    // Persistent.
    output.int(0)
    return
  }
  if (step.type === 'set') output.bytes(step.data)
  output.int(step.version)
}
