/** Times are milliseconds of CLOCK_MONOTONIC, which all processes of a machine share. */
export type Time = number

/** What a session logged of one call. */
export interface Operation {
  id: string
  session: string
  kind: 'set' | 'delete' | 'pop' | 'setDefault' | 'transact' | 'update' | 'read'
  key: string
  begin: Time
  /** Infinity where no answer came: it may take effect at any later time, or never. */
  end: Time
  /** `none`: it surely had no effect. `unknown`: it may have one, at any time from `begin` on. */
  outcome: 'done' | 'none' | 'unknown'
  /** What it writes. */
  value?: string | undefined
  /** What it gave: of a read, pop or setDefault the value (nothing: missing), of a delete whether it was there. */
  result?: string | boolean | undefined
  /** Of a transaction: what its last attempt read. */
  expected?: string | undefined
  /** Of a read served from memory: within so many ms. */
  bound?: number | undefined
  everywhere?: boolean | undefined
  /** Of one half of a pair: the key of the other one. */
  pairedWith?: string | undefined
}

/** Something outside of the dictionary set these keys: a store that lost data, or a stranger's command. */
export interface Loss {
  kind: string
  begin: Time
  end: Time
  /** What there was then: of every key, or only of those in `keys`. */
  entries: Readonly<Record<string, string>>
  keys?: readonly string[] | undefined
  /** Number of the version that survived; replicas beyond it must say that they diverged. 0: all of them. */
  survived?: number | undefined
}

/** A view of memory, as it was at one moment. */
export interface Seen {
  session: string
  at: Time
  version: string
  digest: string
}

interface Sync {
  session: string
  at: Time
  reason: 'changes' | 'loaded' | 'diverged'
}

/** A read of a process's own memory. */
export interface LocalRead {
  session: string
  at: Time
  key: string
  value: string | undefined
}

/** Both halves of a pair, as one state showed them. */
interface PairRead {
  session: string
  at: Time
  view: string
  key: string
  left: string | undefined
  right: string | undefined
}

/** What a surviving replica held when all was over. */
interface Final {
  session: string
  version: string
  entries: Readonly<Record<string, string>>
}

/** All that is known of one run. */
export interface History {
  operations: Operation[]
  losses: Loss[]
  seen: Seen[]
  syncs: Sync[]
  locals: LocalRead[]
  pairs: PairRead[]
  finals: Final[]
  /** When a session was open: from when on. */
  opened: Readonly<Record<string, Time>>
  /** What the store held when all was over; nothing where it was not asked. */
  store?: { at: Time; entries: Readonly<Record<string, string>> } | undefined
  /** Unhandled rejections, crashes, errors that no call may give. */
  faults: string[]
}

export interface Violation {
  rule: string
  text: string
  /** The shortest history found that shows it. */
  operations: readonly Operation[]
}
