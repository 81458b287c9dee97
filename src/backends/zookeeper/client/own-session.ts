import { StoreUnavailableError } from '../../../errors/errors.js'
import { clearTimeout, now, queueMicrotask, setTimeout } from '../../../time/clock.js'
import { bytesOfAcl } from '../acl.js'
import { effectiveTimeout, isPlausible } from '../session-timeout.js'
import type { Added, Children, Reply, Stat, Step, Transport, TransportEvents, Znode } from '../transport.js'
import { CODE, Refusal } from '../transport.js'
import { Connection } from './connection.js'
import {
  type Acl,
  addWatchRequest,
  authRequest,
  closeRequest,
  connectRequest,
  existsRequest,
  getChildrenRequest,
  getDataRequest,
  multiReadRequest,
  multiRequest,
  NO_SESSION,
  readChildren,
  readConnectReply,
  readMulti,
  readStat,
  readZnode,
  readZnodes,
  type SessionIdentity,
} from './packets.js'
import { Rotation } from './rotation.js'
import type { Target } from './servers.js'
import { Violation } from './violation.js'

/** The shortest time to wait for a server before trying the next one, in ms. */
const PATIENCE = 200

/** The options of a session. */
export interface OwnSessionOptions {
  readonly target: Target
  readonly acl: readonly Acl[]
  /** The session timeout to request, in ms. */
  readonly timeout: number
  /** The latest transaction that an earlier session has seen. Default: none. */
  readonly zxid?: bigint
}

/**
 * A session that the library owns. It moves from server to server, but never to one that lags behind what it has
 * seen. If it expires, it becomes a new session, and the servers may have changed. Watches are persistent, but end
 * with the connection: listeners of `connected` must read again.
 */
export class OwnSession implements Transport {
  readonly label: string
  readonly added: Added
  readonly watchesLast = true
  timeout: number
  readonly #options: OwnSessionOptions
  readonly #rotation: Rotation
  readonly #events: TransportEvents
  #connection: Connection | undefined
  #session: SessionIdentity = NO_SESSION
  /** The paths that this connection watches. */
  readonly #watched = new Set<string>()
  #zxid: bigint
  /** The server of the present connection, and the state before it. */
  #server!: Target['servers'][number]
  #before = { session: NO_SESSION, zxid: 0n }
  #isProven = false
  /** Since when there has been no proven connection, on the monotonic clock. */
  #apartSince = now()
  #timer: NodeJS.Timeout | undefined
  #state: 'connecting' | 'connected' | 'ended' = 'connecting'
  #closed: (() => void) | undefined

  constructor(options: OwnSessionOptions, events: TransportEvents) {
    const { target, timeout, zxid = 0n } = options
    this.label = `the ensemble ${target.servers.map(({ host, port }) => `${host}:${port}`).join(',')}`
    this.added = { path: Buffer.byteLength(target.chroot), acl: bytesOfAcl(options.acl) }
    this.timeout = timeout
    this.#zxid = zxid
    this.#options = options
    this.#rotation = new Rotation(target.servers)
    this.#events = events
    this.#connect()
  }

  get connected(): boolean {
    return this.#state === 'connected'
  }

  get received(): number {
    return this.#connection?.received ?? 0
  }

  exists(path: string, watch: boolean, reply: Reply<Stat>): void {
    if (watch) this.#watch(this.#full(path))
    this.#ask(xid => existsRequest(xid, this.#full(path)), readStat, orNone(reply))
  }

  greet(path: string, reply: Reply<Stat>): void {
    this.exists(path, false, reply)
  }

  getData(path: string, watch: boolean, reply: Reply<Znode>): void {
    if (watch) this.#watch(this.#full(path))
    this.#ask(xid => getDataRequest(xid, this.#full(path)), readZnode, orNone(reply))
  }

  getEach(paths: readonly string[], reply: Reply<readonly (Znode | undefined)[]>): void {
    const full = paths.map(path => this.#full(path))
    this.#ask(
      xid => multiReadRequest(xid, full),
      input => readZnodes(input, full.length),
      reply,
    )
  }

  getChildren(path: string, reply: Reply<Children>): void {
    this.#ask(xid => getChildrenRequest(xid, this.#full(path)), readChildren, orNone(reply))
  }

  watchChildren(path: string, _few: boolean, reply: Reply<Stat>): void {
    this.exists(path, true, reply)
  }

  multi(steps: readonly Step[], reply: Reply<readonly (Stat | undefined)[]>): void {
    const full = steps.map(step => ({ ...step, path: this.#full(step.path) }))
    this.#ask(
      xid => multiRequest(xid, full, this.#options.acl),
      input => readMulti(input, full),
      reply,
    )
  }

  drop(): void {
    this.#connection?.destroy(new Error('The server was silent.'))
  }

  /** Closes the session, and waits briefly for the ensemble to confirm it. */
  async end(): Promise<void> {
    if (this.#state === 'ended') return
    const connection = this.#connection
    const wasConnected = this.connected
    this.#state = 'ended'
    clearTimeout(this.#timer)
    if (!connection) return
    const closed = new Promise<void>(resolve => {
      this.#closed = resolve
    })
    if (wasConnected)
      connection.ask(
        closeRequest,
        () => {},
        () => connection.destroy(new Error('It was closed.')),
      )
    else connection.destroy(new Error('It was closed.'))
    const timer = setTimeout(() => connection.destroy(new Error('It was closed.')), PATIENCE)
    await closed
    clearTimeout(timer)
  }

  /** Sets the watch once for each connection, directly before the read: all later changes are reported. */
  #watch(path: string): void {
    const connection = this.#connection
    if (!connection || !this.connected || this.#watched.has(path)) return
    this.#watched.add(path)
    connection.ask(
      xid => addWatchRequest(xid, path),
      () => {},
      fault => {
        if (fault) connection.destroy(isUnknown(fault) ? tooOld(this.label) : fault)
        else this.#proven()
      },
    )
  }

  #full(path: string): string {
    return this.#options.target.chroot + path
  }

  #ask<V>(toRecord: (xid: number) => Buffer, read: Parameters<Connection['ask']>[1], reply: Reply<V>): void {
    if (this.#connection && this.connected) this.#connection.ask(toRecord, read, reply as Reply<unknown>)
    else queueMicrotask(() => reply(new Refusal(CODE.CONNECTION_LOSS)))
  }

  #connect(): void {
    if (now() - this.#apartSince > this.timeout) this.#forget()
    this.#server = this.#rotation.next()
    this.#before = { session: this.#session, zxid: this.#zxid }
    const connection = new Connection(this.#server, {
      opened: () => connection.say(connectRequest(this.#zxid, this.#options.timeout, this.#session)),
      greeted: input => this.#greeted(connection, readConnectReply(input)),
      changed: () => this.#events.changed(),
      childrenChanged: () => this.#events.childrenChanged(),
      seen: zxid => this.#seen(zxid),
      closed: cause => this.#lost(cause),
    })
    // An idle dictionary does not keep the process alive. Pending calls have timers that do.
    connection.unref()
    this.#connection = connection
    const patience = Math.max(PATIENCE, (this.timeout * 2) / 3 / this.#rotation.size)
    const late = () => connection.destroy(new Error(`The server did not answer within ${Math.round(patience)} ms.`))
    this.#timer = setTimeout(late, patience).unref()
  }

  #seen(zxid: bigint): void {
    if (zxid > this.#zxid) this.#zxid = zxid
  }

  /** A greeting proves nothing. A watch that was set shows that the server knows the session. */
  #proven(): void {
    this.#isProven = true
    this.#rotation.accepted(this.#server)
  }

  /**
   * Forgets the session, which has expired by now. Servers that were restored in the meantime would refuse a client
   * that has seen more than they have. Readers compare the state.
   */
  #forget(): void {
    this.#session = NO_SESSION
    this.#zxid = 0n
  }

  #greeted(connection: Connection, { timeout, session }: ReturnType<typeof readConnectReply>): void {
    clearTimeout(this.#timer)
    if (timeout <= 0) {
      this.#before.session = NO_SESSION
      connection.destroy(new Refusal(CODE.SESSION_EXPIRED))
      return
    }
    const requested = this.#options.timeout
    if (!isPlausible(timeout, requested)) throw new Violation('it announced an impossible session timeout')
    this.#session = session
    this.timeout = effectiveTimeout(timeout, requested)
    for (const credentials of this.#options.target.credentials) connection.authenticate(authRequest(credentials))
    if (this.#state === 'ended') return
    this.#state = 'connected'
    this.#events.connected()
  }

  #lost(cause: Error): void {
    clearTimeout(this.#timer)
    this.#connection = undefined
    this.#watched.clear()
    if (this.#state === 'ended') {
      this.#closed?.()
      return
    }
    if (this.#isProven) this.#apartSince = now()
    this.#state = 'connecting'
    this.#disbelieve(cause instanceof Violation)
    this.#events.lost(cause)
    if (isFinal(cause) && this.#rotation.refused(this.#server)) this.#giveUp(cause)
    else this.#timer = setTimeout(() => this.#connect(), this.#rotation.failed()).unref()
  }

  /**
   * Restores what was known before an untrusted connection: healthy servers refuse a client that has seen more than
   * they have, and do not know the sessions of another ensemble.
   */
  #disbelieve(isViolation: boolean): void {
    if (isViolation || !this.#isProven) {
      this.#session = this.#before.session
      this.#zxid = this.#before.zxid
    }
    this.#isProven = false
  }

  #giveUp(cause: Error): void {
    this.#state = 'ended'
    this.#events.ended(cause)
  }
}

/** Treats a missing znode as a normal answer. */
function orNone<V>(reply: Reply<V>): Reply<V> {
  return (fault, value) => {
    if (fault instanceof Refusal && fault.code === CODE.NO_NODE) reply(undefined)
    else reply(fault, value)
  }
}

function isFinal(cause: Error): boolean {
  return cause instanceof StoreUnavailableError || (cause instanceof Refusal && cause.code === CODE.AUTH_FAILED)
}

function isUnknown(fault: Error): boolean {
  return fault instanceof Refusal && fault.code === CODE.UNIMPLEMENTED
}

function tooOld(label: string): StoreUnavailableError {
  return new StoreUnavailableError(
    `A server of ${label} does not support persistent watches, which a connection string needs: update it to ZooKeeper 3.6 or later, ` +
      'or pass a client of node-zookeeper-client.',
  )
}
