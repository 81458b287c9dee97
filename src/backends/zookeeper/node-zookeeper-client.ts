import { StoreUnavailableError } from '../../errors/errors.js'
import { clearTimeout, now, queueMicrotask, setImmediate, setTimeout } from '../../time/clock.js'
import { bytesOfAcl } from './acl.js'
import { OwnSession, type OwnSessionOptions } from './client/own-session.js'
import type { Acl } from './client/packets.js'
import { ClientHub } from './client-hub.js'
import { failedStep, pass, toChildren, toResults, toStat, toZnode } from './client-replies.js'
import type { ClientTransaction, Manager, ZookeeperClient } from './node-zookeeper-shape.js'
import { effectiveTimeout } from './session-timeout.js'
import type { Added, Children, Reply, Stat, Step, Transport, TransportEvents, Znode } from './transport.js'
import { CODE, Refusal } from './transport.js'

interface ClientFault extends Error {
  readonly code?: number
}

/** States of the client's connection manager. */
const [UNSTARTED, CLOSED] = [0, -2]

/** The mode of a persistent znode. */
const PERSISTENT = 0

/** The longest delay of a timer, in ms. */
const LONGEST = 2 ** 31 - 1

/** The shortest time to wait for a server before trying the next one, in ms. */
const PATIENCE = 200

/**
 * A session on the caller's client, which it starts if necessary. It adds what the client does not do. It makes the
 * client leave a silent server. If the client's session has expired, which ends that client for good, a session of
 * the dictionary's own replaces it, on the same servers with the same credentials. The same happens after the session
 * timeout without a connection: the session has expired by then, but servers that were restored never report that to
 * the client.
 */
export class ClientSession implements Transport {
  readonly label: string
  readonly added: Added
  readonly watchesLast = false
  readonly #client: ZookeeperClient
  /** The client without its retries: a retried request would arrive late and out of order. */
  readonly #calls: ZookeeperClient
  readonly #hub: ClientHub
  readonly #manager: Manager
  /** The requested session timeout, in ms. */
  readonly #requested: number
  readonly #acl: readonly unknown[] | undefined
  readonly #plainAcl: readonly Acl[]
  #events: TransportEvents | undefined
  #connected = false
  /** When the connection was lost, on the monotonic clock. */
  #apartSince: number | undefined
  #patience: NodeJS.Timeout | undefined

  /** @param acl - in the form that the client accepts. Default: the client's default. */
  constructor(
    client: ZookeeperClient,
    acl: readonly unknown[] | undefined,
    plainAcl: readonly Acl[],
    events: TransportEvents,
  ) {
    this.#client = client
    this.#calls = withoutRetries(client)
    this.#hub = ClientHub.of(client)
    this.#requested = client.options?.sessionTimeout ?? client.getSessionTimeout()
    this.#manager = (client as unknown as { connectionManager: Manager }).connectionManager
    this.#acl = acl
    this.#plainAcl = plainAcl
    this.#events = events
    this.label = `the ensemble ${this.#manager.servers.map(({ host, port }) => `${host}:${port}`).join(',')}`
    this.added = { path: Buffer.byteLength(this.#manager.chrootPath ?? ''), acl: bytesOfAcl(plainAcl) }
    this.#hub.join(this.#onState)
    this.#start()
  }

  get connected(): boolean {
    return this.#connected
  }

  get timeout(): number {
    return effectiveTimeout(this.#client.getSessionTimeout(), this.#requested)
  }

  get received(): number {
    return this.#manager.socket?.bytesRead ?? 0
  }

  exists(path: string, watch: boolean, reply: Reply<Stat>): void {
    const answer = (error: ClientFault | null, stat: unknown) =>
      error ? reply(toRefusal(error)) : stat === null ? reply(undefined) : pass(reply, () => toStat(stat))
    this.#ask(reply, () => this.#calls.exists(path, ...this.#watcher('data', path, watch), answer))
  }

  greet(path: string, reply: Reply<Stat>): void {
    this.#hub.greet(answer => this.exists(path, false, answer), reply)
  }

  getData(path: string, watch: boolean, reply: Reply<Znode>): void {
    const answer = orNone(reply, toZnode)
    this.#ask(reply, () => this.#calls.getData(path, ...this.#watcher('data', path, watch), answer))
  }

  /** The client has no request for several: the fault of one is the fault of all. */
  getEach(paths: readonly string[], reply: Reply<readonly (Znode | undefined)[]>): void {
    const znodes: (Znode | undefined)[] = []
    let fault: Error | undefined
    for (const [index, path] of paths.entries()) {
      this.getData(path, false, (error, znode) => {
        fault ??= error
        znodes[index] = znode
        // Answers arrive in the order of the requests.
        if (index === paths.length - 1) reply(fault, znodes)
      })
    }
  }

  getChildren(path: string, reply: Reply<Children>): void {
    this.#ask(reply, () => this.#calls.getChildren(path, orNone(reply, toChildren)))
  }

  /** The only way in which the client can watch children is to list them each time. */
  watchChildren(path: string, few: boolean, reply: Reply<Stat>): void {
    const answer = orNone(reply, (names, stat) => toChildren(names, stat).stat)
    if (few) this.#ask(reply, () => this.#calls.getChildren(path, ...this.#watcher('children', path, true), answer))
    else this.exists(path, false, reply)
  }

  multi(steps: readonly Step[], reply: Reply<readonly (Stat | undefined)[]>): void {
    this.#ask(reply, () => {
      const transaction = this.#calls.transaction()
      for (const step of steps) this.#add(transaction, step)
      transaction.commit((error: ClientFault | null, results: unknown) => {
        if (error) reply(toRefusal(error, failedStep(results)))
        else pass(this.#orUnknown(reply), () => toResults(results, steps))
      })
    })
  }

  drop(): void {
    this.#manager.socket?.destroy()
  }

  async end(): Promise<void> {
    this.#events = undefined
    this.#connected = false
    clearTimeout(this.#patience)
    this.#hub.leave(this.#onState, [this.#onWatch, this.#onChildren])
  }

  readonly #onWatch = () => this.#events?.changed()

  readonly #onChildren = () => this.#events?.childrenChanged()

  readonly #onState = ({ name }: { readonly name: string }) => {
    if (name === 'SYNC_CONNECTED') this.#arrived()
    else if (name === 'EXPIRED') this.#expired()
    else if (name === 'AUTH_FAILED') this.#ended(new Refusal(CODE.AUTH_FAILED))
    else this.#lost()
  }

  #start(): void {
    if (this.#manager.state === CLOSED) {
      setImmediate(() => this.#ended(clientClosed()))
      return
    }
    if (this.#client.getState().name === 'SYNC_CONNECTED') {
      setImmediate(() => this.#client.getState().name === 'SYNC_CONNECTED' && this.#arrived())
      return
    }
    if (this.#manager.state === UNSTARTED) this.#client.connect()
    this.#hurry()
  }

  #arrived(): void {
    if (this.#connected) return
    clearTimeout(this.#patience)
    this.#connected = true
    this.#apartSince = undefined
    this.#events?.connected()
  }

  #lost(): void {
    const was = this.#connected
    this.#connected = false
    // Otherwise the client would append the first record of the next connection to an incomplete one.
    this.#manager.pendingBuffer = null
    if (was) {
      this.#apartSince = now()
      this.#events?.lost(new Error('The client has lost its connection.'))
    }
    this.#hurry()
    // The client enters its closed state after it reports that it is disconnected.
    setImmediate(() => {
      if (this.#manager.state === CLOSED) this.#ended(clientClosed())
    })
  }

  /**
   * The client waits for ever for the greeting of a server that has accepted its connection. This timer ends the
   * wait.
   */
  #hurry(): void {
    clearTimeout(this.#patience)
    const patience = Math.max(PATIENCE, Math.min(LONGEST, (this.timeout * 2) / 3 / this.#manager.servers.length))
    this.#patience = setTimeout(() => {
      const { timeout } = this
      if (now() - (this.#apartSince ?? Number.POSITIVE_INFINITY) > timeout) return this.#expired()
      this.drop()
      this.#hurry()
    }, patience).unref()
  }

  #expired(): void {
    const { servers, chrootPath = '', credentials, zxid } = this.#manager
    const target = {
      servers: servers.map(({ host, port }) => ({ host, port: Number(port) })),
      chroot: chrootPath,
      credentials: [...credentials],
    }
    const options: OwnSessionOptions = {
      target,
      acl: this.#plainAcl,
      timeout: this.timeout,
      zxid: zxid.readBigInt64BE(),
    }
    this.#ended(new Refusal(CODE.SESSION_EXPIRED), events => new OwnSession(options, events))
  }

  #ended(cause: Error, successor?: (events: TransportEvents) => Transport): void {
    const events = this.#events
    const was = this.#connected
    this.#connected = false
    void this.end()
    if (was) events?.lost(cause)
    events?.ended(cause, successor)
  }

  /** A client that is not connected would queue the request, and might send it much later. */
  #ask<V>(reply: Reply<V>, send: () => void): void {
    if (this.#connected) send()
    else queueMicrotask(() => reply(new Refusal(CODE.CONNECTION_LOSS)))
  }

  #watcher(kind: 'data' | 'children', path: string, watch: boolean): (() => void)[] {
    return watch ? [this.#hub.watcher(kind, path, kind === 'data' ? this.#onWatch : this.#onChildren)] : []
  }

  /** The outcome of a transaction with an unreadable answer is unknown, as if the connection were lost. */
  #orUnknown<V>(reply: Reply<V>): Reply<V> {
    return (fault, value) => {
      reply(fault && new Refusal(CODE.CONNECTION_LOSS, undefined, fault), value)
      if (fault) this.drop()
    }
  }

  #add(transaction: ClientTransaction, step: Step): void {
    if (step.type === 'create') transaction.create(step.path, step.data, ...(this.#acl ? [this.#acl] : []), PERSISTENT)
    else if (step.type === 'set') transaction.setData(step.path, step.data, step.version)
    else if (step.type === 'check') transaction.check(step.path, step.version)
    else transaction.remove(step.path, step.version)
  }
}

/** Handles an answer with data or names, and a stat. A missing znode is a normal answer. */
function orNone<V>(reply: Reply<V>, read: (first: unknown, stat: unknown) => V) {
  return (error: ClientFault | null, first: unknown, stat: unknown) => {
    if (error?.code === CODE.NO_NODE) reply(undefined)
    else if (error) reply(toRefusal(error))
    else pass(reply, () => read(first, stat))
  }
}

/** Calls read the options of the client object on which they are made. */
function withoutRetries(client: ZookeeperClient): ZookeeperClient {
  return Object.create(client, { options: { value: { ...client.options, retries: 0 } } })
}

function toRefusal(error: ClientFault, step?: number): Error {
  return typeof error.code === 'number' ? new Refusal(error.code, step, error) : error
}

function clientClosed(): StoreUnavailableError {
  return new StoreUnavailableError(
    'The ZooKeeper client was closed. Close the dictionary first, or open it with a client that is not closed.',
  )
}
