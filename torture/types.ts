import type { Change } from './builds.js'
import type { Disasters } from './conductor/disasters.js'
import type { Cast } from './conductor/stage.js'
import type { Control } from './controls/control.js'
import type { FaultProxy } from './proxy.js'
import type { Random } from './random.js'
import type { StorePlan } from './worker/store.js'

/** Times are milliseconds of CLOCK_MONOTONIC, which all processes of a machine share. */
export type Time = number

/** A kind of store: what each module `stores/…/store.js` exports. */
export interface Store {
  /** The processes: every mode, over every client. */
  cast: readonly Cast[]
  /** The wishes for the rules that are broken on purpose: its simplest form. */
  plain: Readonly<Record<string, unknown>>
  /**
   * What a scene may need. `network`: one that can be damaged. `channel`: pushed messages that can be lost. `polling`: checks that
   * find a change by their answer alone, not by an event that arrives with it. `leases`: records of replicas that end by the store's
   * own clock.
   */
  offers: readonly ('network' | 'channel' | 'polling' | 'leases')[]
  /** Rules of its own, and how to break them; or a scene of its own for a common rule. */
  controls: readonly Control[]
  /** Starts it, in a form that the random numbers choose unless the wishes do. */
  start(random: Random, wishes?: Readonly<Record<string, unknown>>): Promise<Setting>
}

/** A store that was started. */
export interface Setting {
  server: StoreServer
  /** What distinguishes this one: the kind of server, its limits. */
  title: string
  /** Asked before each disaster: they may change with the servers. */
  disasters(): Disasters
  /** Changes of the built library, such as smaller limits. */
  changes?: readonly Change[] | undefined
  /** How soon every session must work after a fault, in ms. Default: 10,000. */
  recovery?: number | undefined
  /** Ends what was started besides the server. */
  clear?(): Promise<unknown>
}

/** What all stores have in common for the conductor. */
export interface StoreServer {
  /** Where each process gets a proxy of its own. Empty if there is no network in between. */
  readonly ports: readonly number[]
  /** How a process reaches it: by the ports of its proxies, or directly. */
  plan(client: string, ports?: readonly number[]): StorePlan
  /** The longest pause between two calls of a lane, in ms: longer if the store's writes wait for each other. Default: 40. */
  readonly pause?: number | undefined
  /** What the proxies of a process do to what the servers answer, if these name their own ports. */
  connect?(proxies: readonly FaultProxy[]): void
  /** The ports for a client, if it does not use all of them. */
  portsOf?(client: string): readonly number[]
  /** The Node that a process with this client runs on. */
  nodeFor?(client: string): string
  /** The stored entries, and the number of the version. */
  state(): Promise<{ entries: Record<string, string>; number: number }>
  /** After a loss: records the policy of the history again, which the store may have lost with its data. */
  keepHistory(): Promise<void>
  /** Removes an entry without the library, as another program does. Resolves when that must have been noticed. */
  steal?(key: string): Promise<void>
  /** Creates an entry in the same way. */
  plant?(key: string, value: string): Promise<void>
  /** Whether versions are numbered from 0 again after a change by others. */
  readonly renumbers?: boolean | undefined
  /** Resolves when no request is in transit. */
  untilAlone?(): Promise<void>
  /** Rejects if its own servers have different data: the library cannot be blamed for what follows from that. */
  agree?(): Promise<void>
  remove(): Promise<void>
}

/** A session's record of one call. */
export interface Operation {
  id: string
  session: string
  kind: 'set' | 'delete' | 'pop' | 'setDefault' | 'transact' | 'update' | 'clear' | 'read' | 'has'
  key: string
  begin: Time
  /** Infinity if there was no response: it may take effect at any later time, or never. */
  end: Time
  /** `none`: it had no effect. `unknown`: it may have one, at any time from `begin` on. */
  outcome: 'done' | 'none' | 'unknown'
  /** The value it writes. */
  value?: string | undefined
  /** Its result: of a read, pop or setDefault the value (or nothing), of a delete or `has` whether the key existed. */
  result?: string | boolean | undefined
  /** Of a transaction: what its last attempt read. */
  expected?: string | undefined
  /** Of a read served from memory: its bound in ms. */
  bound?: number | undefined
  everywhere?: boolean | undefined
  /** Of one half of a pair: the key of the other one. */
  pairedWith?: string | undefined
  /** How the history says it was made. Default: `library`. */
  via?: string | undefined
}

/** Something outside the dictionary set these keys: a store that lost data, or an external writer's command. */
export interface Loss {
  kind: string
  begin: Time
  end: Time
  /** The entries afterwards: of every key, or only of those in `keys`. */
  entries: Readonly<Record<string, string>>
  keys?: readonly string[] | undefined
  /** The number of the version that survived; replicas beyond it must report a divergence. 0: all of them. */
  survived?: number | undefined
  /** Whether versions are numbered from 0 again. */
  renumbers?: boolean | undefined
}

/** A view of memory at one moment. */
export interface Seen {
  session: string
  at: Time
  version: string
  digest: string
}

/** Which version a session's memory held at one moment. */
export interface Held {
  session: string
  at: Time
  version: string
}

/** What `replicas()` said. The name of a session is its service. */
interface Look {
  session: string
  begin: Time
  end: Time
  replicas: readonly { session: string; version?: string | undefined; state: string }[]
}

interface Sync {
  session: string
  at: Time
  reason: 'changes' | 'loaded' | 'diverged'
}

/** A read of a process's own memory. */
export interface LocalRead {
  session: string
  /** When it ended. */
  at: Time
  /** When it began, unless it took no time. */
  begin?: Time | undefined
  key: string
  value: string | undefined
}

/** Both halves of a pair, in one state. */
interface PairRead {
  session: string
  at: Time
  view: string
  key: string
  left: string | undefined
  right: string | undefined
}

/** The memory of a surviving replica at the end. */
interface Final {
  session: string
  version: string
  entries: Readonly<Record<string, string>>
}

/** A commit that the store recorded, as a dictionary returns it. */
export interface Commit {
  id: string
  /** The id of the operation that made it: each call is an author of its own. */
  by: string | undefined
  via: string
  changes: readonly { key: string; before?: string | undefined; after?: string | undefined }[]
}

/** The history in the store at the end. */
export interface Recorded {
  /** Whether it reaches back to the creation of the dictionary. */
  complete: boolean
  /** Oldest first. */
  commits: readonly Commit[]
}

/** How long it took until every session worked again after a fault. Times in ms. */
export interface Recovery {
  kind: string
  ms: number
  bound: number
}

/** The complete record of one run. */
export interface History {
  operations: Operation[]
  losses: Loss[]
  seen: Seen[]
  held: Held[]
  looks: Look[]
  syncs: Sync[]
  locals: LocalRead[]
  pairs: PairRead[]
  finals: Final[]
  /** When each session was opened. */
  opened: Readonly<Record<string, Time>>
  /** The stored entries at the end, or nothing if they were not read. */
  store?: { at: Time; entries: Readonly<Record<string, string>> } | undefined
  /** Nothing if the store keeps no history. */
  recorded?: Recorded | undefined
  /** The last known files at the end. */
  files: readonly { name: string; entries: Readonly<Record<string, string>> }[]
  /** Where what `watch()` yielded differs from the memory. */
  watched: string[]
  recoveries: readonly Recovery[]
  /** Unhandled rejections, crashes, and unexpected errors. */
  faults: string[]
}

export interface Violation {
  rule: string
  text: string
  /** The shortest history found that shows it. */
  operations: readonly Operation[]
}
