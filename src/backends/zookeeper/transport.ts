/** The members of a znode's state that are used. */
export interface Stat {
  /** The transaction that created it. */
  readonly czxid: bigint
  /** The transaction that last changed its data. */
  readonly mzxid: bigint
  /** When its data was last changed, by the clock of the server that led then, in ms since 1970. */
  readonly mtime: number
  /** How often its data was changed. */
  readonly version: number
  /** How many children were created and deleted in it. */
  readonly cversion: number
  /** When it was created, by the clock of the server that led then, in ms since 1970. */
  readonly ctime: number
}

/** A znode that was read. */
export interface Znode {
  readonly data: Buffer
  readonly stat: Stat
}

/** The names of a znode's children, and the state of the znode. */
export interface Children {
  readonly names: readonly string[]
  readonly stat: Stat
}

/** One step of a transaction. Version -1 matches any version. */
export type Step =
  | { readonly type: 'create'; readonly path: string; readonly data: Buffer }
  | { readonly type: 'set'; readonly path: string; readonly data: Buffer; readonly version: number }
  | { readonly type: 'delete'; readonly path: string; readonly version: number }
  | { readonly type: 'check'; readonly path: string; readonly version: number }

/** Called once. Answers and events arrive in the order in which the server sent them. */
export type Reply<V> = (fault: Error | undefined, value?: V) => void

/** The events of a transport. */
export interface TransportEvents {
  connected(): void
  /** Pending requests fail with code `CONNECTION_LOSS`. The transport connects to another server by itself. */
  lost(cause: Error): void
  /** A watched znode has changed. */
  changed(): void
  /** Children of a watched znode were created or deleted. */
  childrenChanged(): void
  /** The transport has ended for good. `successor`, if any, continues in its place. */
  ended(cause: Error, successor?: (events: TransportEvents) => Transport): void
}

/** The bytes that a transport adds to the steps of a transaction. */
export interface Added {
  /** To every path. */
  readonly path: number
  /** To every step that creates a znode: the access control list. */
  readonly acl: number
}

/** A session with an ensemble: what the backend needs from a client of any kind. */
export interface Transport {
  /** For messages: 'the ensemble a:2181,b:2181'. */
  readonly label: string
  readonly connected: boolean
  /** The session timeout that the ensemble has granted, in ms. */
  readonly timeout: number
  /** The number of bytes received by the present connection. */
  readonly received: number
  readonly added: Added
  /** Whether a watch reports all changes until the connection is lost, and not only the next one. */
  readonly watchesLast: boolean
  /** Replies with `undefined` if the znode is missing. `watch`: report its next change, or all changes. */
  exists(path: string, watch: boolean, reply: Reply<Stat>): void
  /**
   * Asks for a sign of life. Replies with the state of the znode, or with `undefined` if it is missing or if the request was shared with
   * other dictionaries.
   */
  greet(path: string, reply: Reply<Stat>): void
  /** Replies with `undefined` if the znode is missing. `watch`: report its next change, or all changes. */
  getData(path: string, watch: boolean, reply: Reply<Znode>): void
  /** Reads several znodes, if possible with one request. Replies with `undefined` for those that are missing. */
  getEach(paths: readonly string[], reply: Reply<readonly (Znode | undefined)[]>): void
  getChildren(path: string, reply: Reply<Children>): void
  /**
   * Replies with the state of a znode, or `undefined` if it is missing. Reports the next change of its children, or
   * all changes.
   *
   * @param few - whether the list of children is short. If reading the list is the only way to watch it, a long list
   * is not watched.
   */
  watchChildren(path: string, few: boolean, reply: Reply<Stat>): void
  /** Executes all steps or none. Replies with one state for each step that sets data. */
  multi(steps: readonly Step[], reply: Reply<readonly (Stat | undefined)[]>): void
  /** Drops the connection to a silent server, and connects to another one. */
  drop(): void
  /** Removes the listeners from the caller's client, or ends a session of the library. */
  end(): Promise<void>
}

/** The protocol's error codes that are distinguished. */
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

/** A request that the server refused, or that failed with the connection. */
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

/** An answer that is longer than the client reads. */
export class TooLarge extends Error {
  /** @param length - the length of the answer, in bytes. */
  constructor(length: number) {
    super(`An answer of the server has ${length} bytes, but at most 4 MiB are read.`)
    this.name = 'TooLarge'
  }
}
