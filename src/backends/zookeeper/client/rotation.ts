import type { Target } from './servers.js'

type Server = Target['servers'][number]

/** The shortest and longest wait after a round of all servers, in ms. It grows from round to round and has jitter. */
const PAUSE = { from: 20, to: 1_000 }

/** Chooses the next server, and the wait before it. */
export class Rotation {
  readonly #servers: readonly Server[]
  #next = 0
  /** The number of failures since a server last accepted the client. */
  #failures = 0
  /** Servers that have refused the client permanently. */
  readonly #refusing = new Set<Server>()

  constructor(servers: readonly Server[]) {
    // Each process starts with a random server, so that the load is shared.
    this.#servers = [...servers].sort(() => Math.random() - 0.5)
  }

  get size(): number {
    return this.#servers.length
  }

  next(): Server {
    const server = this.#servers[this.#next] as Server
    this.#next = (this.#next + 1) % this.#servers.length
    return server
  }

  /** Records that a server serves this client. */
  accepted(server: Server): void {
    this.#failures = 0
    this.#refusing.delete(server)
  }

  /** Returns whether every server has refused the client permanently: a single server may be an impostor. */
  refused(server: Server): boolean {
    this.#refusing.add(server)
    return this.#refusing.size === this.#servers.length
  }

  /** Returns the wait before the next server, in ms: 0 within a round of all servers. */
  failed(): number {
    this.#failures += 1
    const rounds = this.#failures / this.#servers.length
    return Number.isInteger(rounds) ? Math.min(PAUSE.to, PAUSE.from * 2 ** rounds) * (0.5 + Math.random()) : 0
  }
}
