import type { Target } from './servers.js'

type Server = Target['servers'][number]

/** How long to wait after a round of all servers, in ms: more from round to round, and jittered. */
const PAUSE = { from: 20, to: 1_000 }

/** Which server is tried next, and how soon. */
export class Rotation {
  readonly #servers: readonly Server[]
  #next = 0
  /** How often connecting or a connection has failed since a server last accepted the client. */
  #failures = 0
  /** Servers that have refused the client for good. */
  readonly #refusing = new Set<Server>()

  constructor(servers: readonly Server[]) {
    // Each process begins with another server, so that they share the load.
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

  /** A server has shown that it serves this client. */
  accepted(server: Server): void {
    this.#failures = 0
    this.#refusing.delete(server)
  }

  /** Returns whether every server has refused the client for good: one alone may not be what it seems. */
  refused(server: Server): boolean {
    this.#refusing.add(server)
    return this.#refusing.size === this.#servers.length
  }

  /** Returns how long to wait before the next server, in ms: not at all within a round of all of them. */
  failed(): number {
    this.#failures += 1
    const rounds = this.#failures / this.#servers.length
    return Number.isInteger(rounds) ? Math.min(PAUSE.to, PAUSE.from * 2 ** rounds) * (0.5 + Math.random()) : 0
  }
}
