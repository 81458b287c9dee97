import type { Children, Stat, Step, Znode } from '../transport.js'
import { Refusal } from '../transport.js'
import { type Input, Output } from './jute.js'

/** What kinds of requests there are. */
const TYPE = {
  create: 1,
  delete: 2,
  exists: 3,
  getData: 4,
  set: 5,
  getChildren2: 12,
  check: 13,
  multi: 14,
  auth: 100,
  addWatch: 106,
  closeSession: -11,
  error: -1,
} as const

/** What a child's name takes at least, in bytes: its length, and one. */
const LEAST_NAME_BYTES = 5

/** The kind of an event that tells of children. */
const CHILDREN_CHANGED = 4

/** Ids of requests that are none of the client's counting. */
export const XID = { event: -1, auth: -4 } as const

/** An entry of an access control list. */
export interface Acl {
  readonly perms: number
  readonly scheme: string
  readonly id: string
}

/** What a session is known by. An id of 0 asks for a new one. */
export interface SessionIdentity {
  readonly id: bigint
  readonly password: Buffer
}

/** Who the client says it is. */
export interface Credentials {
  readonly scheme: string
  readonly auth: Buffer
}

export const NO_SESSION: SessionIdentity = { id: 0n, password: Buffer.alloc(16) }

/** @param zxid - the latest transaction seen: a server that lags behind it refuses the connection. */
export function connectRequest(zxid: bigint, timeout: number, session: SessionIdentity): Buffer {
  return new Output().int(0).long(zxid).int(timeout).long(session.id).bytes(session.password).bool(false).frame()
}

/** A session's password always takes so many bytes. */
const PASSWORD_BYTES = 16

/** A timeout of 0 says that the session has expired. */
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

/** For a persistent watch, not a recursive one: on a znode that is there, or is yet to come. */
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

/** Whether an event is about a znode's children, rather than itself. */
export function readsOfChildren(input: Input): boolean {
  const type = input.int()
  // The state of the session, then the znode's path.
  input.int()
  input.text()
  return type === CHILDREN_CHANGED
}

export function readStat(input: Input): Stat {
  input.long()
  const mzxid = input.long()
  input.long()
  input.long()
  const [version, cversion] = [input.int(), input.int()]
  input.int()
  input.long()
  input.int()
  input.int()
  input.long()
  return { mzxid, version, cversion }
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
 * Reads the results of a transaction. They are as many as its steps, and of their kinds.
 *
 * @throws Refusal, which names the step.
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
    // Those before the one at fault have 0, those after it something general.
    if (code !== 0) refusal ??= new Refusal(code, stats.length)
    if (type === TYPE.create) input.text()
    stats.push(type === TYPE.set ? readStat(input) : undefined)
  }
  const [, done] = [input.int(), input.bool()]
  if (!done || failed > 0 !== (refusal !== undefined)) throw new RangeError('The results are not those of the steps.')
  if (refusal) throw refusal
  return stats
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
