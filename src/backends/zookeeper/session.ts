import { StoreUnavailableError } from '../../errors/errors.js'
import { now } from '../../time/clock.js'
import { TOO_LONG } from './stored.js'
import type { Added, Children, Reply, Stat, Step, Transport, TransportEvents, Znode } from './transport.js'
import { CODE, Refusal, TooLarge } from './transport.js'

/** Is notified of the events of a session. */
export interface SessionListener {
  /** The watched znode has changed, or the connection is open again: known data may be stale. */
  changed(): void
  /** Any client has created or deleted children, or the connection is open again. */
  childrenChanged(): void
  lost(cause: Error): void
}

/** An answer, and its position among the watch events. */
export interface Watched<V> {
  readonly value: V
  /** The session's {@link Session.mark} at the answer: as long as it is unchanged, no change was reported. */
  readonly mark: number
}

/**
 * A session with a promise API, which also records what is known through it. It processes answers and events in the
 * order in which they arrive, before any promise resolves.
 */
export class Session {
  /** Changes whenever the watch may have fired, or was lost. */
  mark = 0
  /** Changes with each connection. */
  connection = 0
  /** When the latest answered request was sent: all changes up to that time were reported. */
  heardAt = Number.NEGATIVE_INFINITY
  readonly #listener: SessionListener
  #transport: Transport
  #waiting: { resolve(): void; reject(reason: unknown): void }[] = []
  #ended: Error | undefined
  #closed = false
  /** When a write was executed, by the server's clock, and when that was answered. */
  #clock: { readonly time: number; readonly at: number } | undefined
  /** Why the session is not connected, for callers that time out. */
  fault: Error | undefined

  constructor(open: (events: TransportEvents) => Transport, listener: SessionListener) {
    this.#listener = listener
    this.#transport = open(this.#events())
  }

  get connected(): boolean {
    return this.#transport.connected
  }

  /** In ms. */
  get timeout(): number {
    return this.#transport.timeout
  }

  get label(): string {
    return this.#transport.label
  }

  /** The number of bytes received by the present connection. */
  get received(): number {
    return this.#transport.received
  }

  get watchesLast(): boolean {
    return this.#transport.watchesLast
  }

  get added(): Added {
    return this.#transport.added
  }

  /**
   * Returns `undefined` if the session is connected, else a promise that resolves when it is. Rejects if the session
   * has ended.
   */
  ready(): Promise<void> | undefined {
    if (this.#transport.connected) return undefined
    if (this.#ended) return Promise.reject(this.#ended)
    return new Promise((resolve, reject) => this.#waiting.push({ resolve, reject }))
  }

  exists(path: string, watch = false): Promise<Watched<Stat | undefined>> {
    return this.#ask(reply => this.#transport.exists(path, watch, reply))
  }

  /** Asks for a sign of life. Returns the state of the znode if the answer has it. */
  greet(path: string): Promise<Watched<Stat | undefined>> {
    return this.#ask(reply => this.#transport.greet(path, reply))
  }

  /** Reads a znode. If its data is longer than the client reads, the data is {@link TOO_LONG}. */
  getData(path: string, watch = false): Promise<Watched<Znode | undefined>> {
    return this.#ask<Znode>(reply => this.#transport.getData(path, watch, reply)).catch(async fault => {
      if (!(fault instanceof TooLarge)) throw fault
      const { value, mark } = await this.exists(path, watch)
      return { value: value && { data: TOO_LONG, stat: value }, mark }
    })
  }

  /**
   * Reads several znodes with one request if the client can. Those that are missing are `undefined`.
   *
   * @throws TooLarge if all together are longer than the client reads.
   */
  async getEach(paths: readonly string[]): Promise<readonly (Znode | undefined)[]> {
    const { value = [] } = await this.#ask<readonly (Znode | undefined)[]>(reply =>
      this.#transport.getEach(paths, reply),
    )
    return value
  }

  async getChildren(path: string): Promise<Children | undefined> {
    return (await this.#ask<Children>(reply => this.#transport.getChildren(path, reply))).value
  }

  /** Returns the state of a znode and watches its children if that is cheap, which it always is for `few` of them. */
  async watchChildren(path: string, few: boolean): Promise<Stat | undefined> {
    return (await this.#ask<Stat>(reply => this.#transport.watchChildren(path, few, reply))).value
  }

  /** Executes all steps or none. Rejects with a `Refusal` that names the step. */
  async multi(steps: readonly Step[]): Promise<Watched<readonly (Stat | undefined)[]>> {
    const { value = [], mark } = await this.#ask<readonly (Stat | undefined)[]>(reply =>
      this.#transport.multi(steps, reply),
    )
    const written = value.find(stat => stat !== undefined)
    if (written) this.#clock = { time: written.mtime, at: now() }
    return { value, mark }
  }

  /** How long ago a znode was last written, in ms, by the clock of the servers as far as this session knows it. For people only. */
  ageOf({ mtime }: Stat): number {
    const { time, at } = this.#clock ?? { time: Date.now(), at: now() }
    return Math.max(0, time + now() - at - mtime)
  }

  /** Drops the connection to a silent server. */
  drop(): void {
    this.#transport.drop()
  }

  async end(reason: Error): Promise<void> {
    this.#closed = true
    this.#fail(reason)
    await this.#transport.end()
  }

  #ask<V>(send: (reply: Reply<V>) => void): Promise<Watched<V | undefined>> {
    return new Promise((resolve, reject) => {
      const sentAt = now()
      send((fault, value) => {
        if (isLoss(fault)) return reject(fault)
        // A shared request is sent a little later.
        this.heardAt = Math.max(this.heardAt, sentAt)
        if (fault) reject(fault)
        else resolve({ value, mark: this.mark })
      })
    })
  }

  #events(): TransportEvents {
    return {
      connected: () => {
        this.mark += 1
        this.connection += 1
        this.fault = undefined
        for (const { resolve } of this.#waiting.splice(0)) resolve()
        this.#listener.changed()
        this.#listener.childrenChanged()
      },
      lost: cause => {
        this.mark += 1
        this.fault = cause
        this.#listener.lost(cause)
      },
      changed: () => {
        this.mark += 1
        this.#listener.changed()
      },
      childrenChanged: () => this.#listener.childrenChanged(),
      ended: (cause, successor) => {
        if (this.#closed) return
        if (successor) this.#transport = successor(this.#events())
        else this.#fail(unavailable(cause, this.label))
      },
    }
  }

  #fail(reason: Error): void {
    this.#ended ??= reason
    for (const { reject } of this.#waiting.splice(0)) reject(this.#ended)
  }
}

/** Returns whether the connection failed, so that the outcome of the request is unknown. */
export function isLoss(fault: unknown): boolean {
  return fault instanceof Refusal && LOSSES.has(fault.code)
}

const LOSSES: ReadonlySet<number> = new Set([CODE.CONNECTION_LOSS, CODE.SESSION_EXPIRED, CODE.SESSION_MOVED])

function unavailable(cause: Error, label: string): StoreUnavailableError {
  if (cause instanceof StoreUnavailableError) return cause
  return new StoreUnavailableError(`The session with ${label} has ended: ${cause.message}`, { cause })
}
