import type { Version } from './backend.js'

/** What an open dictionary says of itself: a *replica* of the stored data. */
export interface Presence {
  /** Random: one for each open dictionary. At most 64 characters of `A-Z`, `a-z`, `0-9`, `-` and `_`. */
  readonly id: string
  readonly host: string
  readonly pid: number
  /** What the application calls itself. At most 256 bytes of UTF-8. */
  readonly service?: string | undefined
  /** The version of the library. */
  readonly library: string
  /** How long after a check it may read memory without another check, in ms. Default: it checks for each read. */
  readonly bound?: number | undefined
  readonly live: boolean
  /** The state that memory held when this was sent. Default: none yet. */
  readonly version?: Version | undefined
}

/** A record of the registry. */
export interface Registered extends Presence {
  /** How long ago it was renewed, in ms, on the store's clock. For people only: that clock may jump. */
  readonly seenAgo: number
}

/** Which replicas may rely on memory. */
export interface Registry {
  readonly replicas: readonly Registered[]
  /**
   * The largest bound of replicas that may rely on memory without being in the registry, in ms: those that opted out, and those of
   * releases without a registry. 0: none.
   */
  readonly unregistered: number
  /**
   * Describes a record that could not be read: its kind and place, never its content. A writer then waits for the largest recorded
   * bound, because it does not know who relies on what.
   */
  readonly damage?: string | undefined
}

/** The answer to a registration. */
export interface Registration {
  /** The current version of the store, if it costs no further call. The replica then knows whether it is behind. */
  readonly version?: Version | undefined
  /** The largest bound that is recorded now, in ms, if it costs no further call. */
  readonly bound?: number | undefined
  /** False if the record did not exist before. Default: unknown. */
  readonly renewed?: boolean | undefined
}
