import { StoreUnavailableError } from '../../errors/errors.js'
import { now } from '../../time/clock.js'
import { TOO_LONG } from './stored.js'
import type { Added, Children, Reply, Stat, Step, Transport, TransportEvents, Znode } from './transport.js'
import { CODE, Refusal, TooLarge } from './transport.js'

/** Who is told what happens to a session. */
export interface SessionListener {
  /** The watched znode has changed, or the connection is there again: what is known may be old. */
  changed(): void
  /** Children were created or deleted, by whomever, or the connection is there again. */
  childrenChanged(): void
  lost(cause: Error): void
}

/** An answer, and what was told before it. */
export interface Watched<V> {
  readonly value: V
  /** The session's {@link Session.mark} at the answer: while it stands, nothing has changed since. */
  readonly mark: number
}

/**
 * A session as the backend uses it: by promises, and with an account of what is known through it. Answers and events are
 * accounted for in the order in which they came, before any promise resolves.
 */
export class Session {
  /** Differs whenever the watch may have fired, or was lost. */
  mark = 0
  /** Differs from connection to connection. */
  connection = 0
  /** When the latest request that was answered had been sent: up to then, all that changed was told. */
  heardAt = Number.NEGATIVE_INFINITY
  readonly #listener: SessionListener
  #transport: Transport
  #waiting: { resolve(): void; reject(reason: unknown): void }[] = []
  #ended: Error | undefined
  #closed = false
  /** Why it is not connected, for whoever gives up waiting. */
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

  /** How many bytes have come by the present connection. */
  get received(): number {
    return this.#transport.received
  }

  get watchesLast(): boolean {
    return this.#transport.watchesLast
  }

  get added(): Added {
    return this.#transport.added
  }

  /** Nothing where it is connected; else a promise that resolves when it is, and rejects where it never will be. */
  ready(): Promise<void> | undefined {
    if (this.#transport.connected) return undefined
    if (this.#ended) return Promise.reject(this.#ended)
    return new Promise((resolve, reject) => this.#waiting.push({ resolve, reject }))
  }

  exists(path: string, watch = false): Promise<Watched<Stat | undefined>> {
    return this.#ask(reply => this.#transport.exists(path, watch, reply))
  }

  /** A znode whose data is longer than what is read of an answer comes with {@link TOO_LONG} in its place. */
  getData(path: string, watch = false): Promise<Watched<Znode | undefined>> {
    return this.#ask<Znode>(reply => this.#transport.getData(path, watch, reply)).catch(async fault => {
      if (!(fault instanceof TooLarge)) throw fault
      const { value, mark } = await this.exists(path, watch)
      return { value: value && { data: TOO_LONG, stat: value }, mark }
    })
  }

  async getChildren(path: string): Promise<Children | undefined> {
    return (await this.#ask<Children>(reply => this.#transport.getChildren(path, reply))).value
  }

  /** The state of a znode whose children are watched, where that is cheap: `few` of them always are. */
  async watchChildren(path: string, few: boolean): Promise<Stat | undefined> {
    return (await this.#ask<Stat>(reply => this.#transport.watchChildren(path, few, reply))).value
  }

  /** All steps or none. Rejects with a `Refusal` that names the step. */
  async multi(steps: readonly Step[]): Promise<Watched<readonly (Stat | undefined)[]>> {
    const { value = [], mark } = await this.#ask<readonly (Stat | undefined)[]>(reply =>
      this.#transport.multi(steps, reply),
    )
    return { value, mark }
  }

  /** Leaves a server that is silent. */
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
        // Answers come in the order of their requests.
        this.heardAt = sentAt
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

/** Whether it is the way to the server that failed, so that nothing is known of the request. */
export function isLoss(fault: unknown): boolean {
  return fault instanceof Refusal && LOSSES.has(fault.code)
}

const LOSSES: ReadonlySet<number> = new Set([CODE.CONNECTION_LOSS, CODE.SESSION_EXPIRED, CODE.SESSION_MOVED])

function unavailable(cause: Error, label: string): StoreUnavailableError {
  if (cause instanceof StoreUnavailableError) return cause
  return new StoreUnavailableError(`The session with ${label} has ended: ${cause.message}`, { cause })
}
