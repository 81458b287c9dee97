/** What is needed of a znode's state. */
export interface Stat {
  /** The transaction that last changed its data. */
  readonly mzxid: bigint
  /** How often its data was changed. */
  readonly version: number
  /** How many children were created and deleted in it. */
  readonly cversion: number
}

/** A znode as it was read. */
export interface Znode {
  readonly data: Buffer
  readonly stat: Stat
}

/** The names of a znode's children, with its own state. */
export interface Children {
  readonly names: readonly string[]
  readonly stat: Stat
}

/** One step of a transaction. A version of -1 is any. */
export type Step =
  | { readonly type: 'create'; readonly path: string; readonly data: Buffer }
  | { readonly type: 'set'; readonly path: string; readonly data: Buffer; readonly version: number }
  | { readonly type: 'delete'; readonly path: string; readonly version: number }
  | { readonly type: 'check'; readonly path: string; readonly version: number }

/** Called once, in the order in which the server has answered, among the events. */
export type Reply<V> = (fault: Error | undefined, value?: V) => void

/** What a transport tells of. */
export interface TransportEvents {
  connected(): void
  /** What was under way fails with code `CONNECTION_LOSS`. The transport looks for another server by itself. */
  lost(cause: Error): void
  /** A watched znode has changed. */
  changed(): void
  /** Children of a znode whose children are watched were created or deleted. */
  childrenChanged(): void
  /** It will not come back. `successor` goes on in its place, where there is one. */
  ended(cause: Error, successor?: (events: TransportEvents) => Transport): void
}

/** What a transport adds to the steps of a transaction, in bytes. */
export interface Added {
  /** To every path. */
  readonly path: number
  /** To every step that creates: the access control list. */
  readonly acl: number
}

/** A session with an ensemble: what the backend needs of a client, whichever it is. */
export interface Transport {
  /** For messages: 'the ensemble a:2181,b:2181'. */
  readonly label: string
  readonly connected: boolean
  /** The session timeout, as the ensemble has agreed to it, in ms. */
  readonly timeout: number
  /** How many bytes have come by the present connection. */
  readonly received: number
  readonly added: Added
  /** Whether a watch tells of all changes from then on, until the connection is lost, rather than of the next one alone. */
  readonly watchesLast: boolean
  /** Nothing where the znode is missing. `watch`: tell of its next change, or of all. */
  exists(path: string, watch: boolean, reply: Reply<Stat>): void
  /** Nothing where the znode is missing. `watch`: tell of its next change, or of all. */
  getData(path: string, watch: boolean, reply: Reply<Znode>): void
  getChildren(path: string, reply: Reply<Children>): void
  /**
   * The state of a znode; nothing where it is missing. Tells of the next change to its children, or of all.
   *
   * @param few - whether the list of their names is short. Where the only way to such a watch is to read it, none is set on a
   * long one.
   */
  watchChildren(path: string, few: boolean, reply: Reply<Stat>): void
  /** All steps or none. One state for each step that sets data. */
  multi(steps: readonly Step[], reply: Reply<readonly (Stat | undefined)[]>): void
  /** Gives up the connection, whose server is silent, and connects to another one. */
  drop(): void
  /** Removes what was added to a client of the caller's; ends a session of its own. */
  end(): Promise<void>
}

/** Codes of the protocol that are told apart. */
export const CODE = {
  CONNECTION_LOSS: -4,
  UNIMPLEMENTED: -6,
  NO_NODE: -101,
  NO_AUTH: -102,
  BAD_VERSION: -103,
  NODE_EXISTS: -110,
  NOT_EMPTY: -111,
  SESSION_EXPIRED: -112,
  INVALID_ACL: -114,
  AUTH_FAILED: -115,
  SESSION_MOVED: -118,
  QUOTA_EXCEEDED: -125,
} as const

const NAMES = new Map<number, string>(Object.entries(CODE).map(([name, code]) => [code, name]))

/** What the server, or the way to it, has refused. */
export class Refusal extends Error {
  readonly code: number
  /** Which step of a transaction was refused. */
  readonly step: number | undefined

  constructor(code: number, step?: number, cause?: Error) {
    super(`${NAMES.get(code) ?? `code ${code}`}${cause ? `: ${cause.message}` : ''}`, cause && { cause })
    this.name = 'Refusal'
    this.code = code
    this.step = step
  }
}

/** An answer is longer than what is read of one. */
export class TooLarge extends Error {
  /** @param length - of the answer, in bytes. */
  constructor(length: number) {
    super(`An answer of the server takes ${length} bytes, and 4 MiB are read at most.`)
    this.name = 'TooLarge'
  }
}
