import type { Group } from '../contract/backend.js'
import type { Store } from '../contract/store.js'
import type { Diagnostics } from '../diagnostics/diagnostics.js'
import { BoundedStore } from '../replica/bounded-store.js'
import { openFault, readFault } from '../replica/faults.js'
import type { Observer } from '../replica/history.js'
import { LiveFeed } from '../replica/live-feed.js'
import type { MembershipOptions } from '../replica/membership.js'
import type { Memory } from '../replica/memory.js'
import { type Copy, Replica } from '../replica/replica.js'
import { now } from '../time/clock.js'
import { Deadlines } from '../time/deadlines.js'
import { onAbort } from '../time/on-abort.js'
import { late } from '../time/within.js'
import { Codec } from './codec.js'
import { Defaults } from './defaults.js'
import { type Change, Emitter } from './events.js'
import { Keys } from './keys.js'
import { Reencoder } from './reencoder.js'
import { SchemaCheck } from './schema.js'
import { checkBound, checkConsistency, checkHistory, type Settings } from './settings.js'
import type { StoreContext } from './store-context.js'
import { toChange, Watchers } from './watchers.js'

/** From this staleness on, memory counts as stale, in ms. */
export const STALENESS_BOUND = 1_000

/** How many times within its bound a live dictionary confirms that it missed nothing. */
const HEARTBEATS_PER_BOUND = 3

/** How often a live dictionary polls a backend that neither pushes nor sets `pollEvery`, in ms. */
const POLL_EVERY = 100

/** The history, as it is in the store. */
type Past = Pick<BoundedStore, 'history' | 'forgetAuthor'>

/** The registry of replicas, as it is in the store. */
type Fleet = Pick<BoundedStore, 'replicas' | 'awaitAcknowledgements' | 'changesSince'>

/** Where the state in memory came from: its store, the last known file, or the seed. */
export type Origin = 'store' | 'last-known' | 'seed'

/** The parts that a dictionary has before its store has answered. They stay the same afterwards. */
export interface Base {
  readonly name: string
  readonly settings: Settings
  readonly context: StoreContext
  readonly defaults: Defaults
  readonly keys: Keys
  readonly emitter: Emitter
  readonly watchers: Watchers
}

/** The parts that depend on what the store answered. */
interface Attached {
  readonly store: Store
  readonly codec: Codec
  readonly replica: Copy
  readonly reencoder: Reencoder
  readonly feed: LiveFeed | undefined
  readonly past: Past
  readonly fleet: Fleet
}

/** The parts of an open dictionary. */
export interface Internals extends Base, Attached {
  readonly origin: Origin
  /** Set until the store answers for the first time. */
  readonly absence?: Absence | undefined
  /** Writes the last known file. */
  readonly recorder?: { close(): Promise<void> } | undefined
}

/** Connects to a store that was down when the dictionary was opened. */
interface Absence {
  /** Resolves when the store has answered. Rejects with `StoreUnavailableError`. */
  join(): Promise<unknown>
  close(reason: unknown): Promise<void>
}

/** A dictionary that is open already, on what was known without its store. */
export interface Earlier extends Base {
  readonly memory: Memory
}

/**
 * Builds a dictionary and loads it. On failure it leaves nothing open but the backend.
 *
 * @param earlier - if the dictionary is open already. Its memory moves to what is loaded.
 */
export async function assemble(
  store: Store,
  settings: Settings,
  context: StoreContext,
  earlier?: Earlier,
): Promise<Internals> {
  const { signal } = settings
  const reads = new Deadlines()
  const forgetSignal = onAbort(signal, () => reads.endAll(signal?.reason))
  try {
    signal?.throwIfAborted()
    const work = (progress: () => void) => context.run(() => build(store, settings, reads, context, progress, earlier))
    const open = () => withinTimeout(settings, store.name, reads, work, earlier ? readFault : openFault)
    return await (earlier ? open() : store.diagnostics.open(open))
  } catch (error) {
    // The signal ended what was waiting, possibly with another error: reject with the signal's reason.
    signal?.throwIfAborted()
    throw error
  } finally {
    forgetSignal()
  }
}

/** Limits the time of opening. Only the progress of a load restarts the limit. */
async function withinTimeout<V>(
  { timeout }: Settings,
  dictionary: string,
  reads: Deadlines,
  work: (progress: () => void) => Promise<V>,
  toFault: typeof openFault,
): Promise<V> {
  const onTimeout = () => {
    const fault = toFault(late(timeout), dictionary)
    reads.endAll(fault)
    return fault
  }
  return new Deadlines().bound(work, timeout, onTimeout)
}

/** Builds what does not depend on the store. */
export function baseOf(
  name: string,
  settings: Settings,
  context: StoreContext,
  codec: Codec,
  diagnostics: Diagnostics,
): Base {
  const defaults = new Defaults(settings.defaults, codec, name)
  const schema = new SchemaCheck(settings.schema, name)
  const keys = new Keys(name, settings.strictKeys ? namesOf(defaults, schema) : undefined)
  const emitter = new Emitter(name, context, diagnostics)
  return { name, settings, context, defaults, keys, emitter, watchers: new Watchers() }
}

/** @throws UnsupportedError if the store cannot hold what the encoding returns. */
export function codecOf(store: Store, settings: Settings, onOld: (key: string) => void): Codec {
  const { encoding, oldEncoding } = settings
  const schema = new SchemaCheck(settings.schema, store.name)
  return new Codec({ dictionary: store.name, encoding, oldEncoding, schema, valueKind: store.backend.valueKind, onOld })
}

async function build(
  store: Store,
  settings: Settings,
  reads: Deadlines,
  context: StoreContext,
  progress: () => void,
  earlier: Earlier | undefined,
): Promise<Internals> {
  const { name, diagnostics } = store
  // Only a backend with commit() can write a value back without losing a concurrent write.
  const writesBack = store.supports.commit && !settings.readOnly
  let rewriter: Reencoder | undefined
  const codec = codecOf(store, settings, key => void (writesBack && rewriter?.note(key)))
  const base = earlier ?? baseOf(name, settings, context, codec, diagnostics)
  checkBound(settings, store.supports, name)
  checkConsistency(settings, store.supports, name)
  checkHistory(settings, store.supports, name)
  const bounded = new BoundedStore(store, reads, settings.timeout, context)
  if (earlier) bounded.opened()
  if (settings.history !== undefined && store.supports.history) await bounded.setHistoryPolicy(settings.history)
  const promises = { ...settings, membership: membershipOf(settings, store), earlier: earlier?.memory }
  let loaded: Replica | undefined
  const observer = observe(base, diagnostics, () => loaded, earlier?.memory)
  const replica = await Replica.open(bounded, codec.decode.bind(codec), observer, promises, progress)
  loaded = replica
  const attribution = settings.by === undefined ? undefined : { by: settings.by }
  const submit = (group: Group<unknown>) => replica.submit(group)
  const reencoder = new Reencoder({ codec, attribution, memory: () => replica.memory, submit })
  rewriter = reencoder
  const feed = settings.live ? await startFeed(store, replica, base.emitter, settings.maxStaleness) : undefined
  bounded.opened()
  return {
    ...base,
    origin: 'store',
    store,
    codec,
    replica,
    reencoder,
    feed,
    past: bounded,
    fleet: bounded,
  }
}

/** What the dictionary says in the registry; `undefined` if it has no record there. */
function membershipOf(settings: Settings, store: Store): MembershipOptions | undefined {
  const { live, presence: timing, readOnly, replicas, service } = settings
  return replicas && !readOnly && store.supports.presence ? { live, service, timing } : undefined
}

/** @throws TypeError if neither the defaults nor the schema name a key. */
function namesOf(defaults: Defaults, schema: SchemaCheck): ReadonlySet<string> {
  const names = new Set([...defaults.keys(), ...schema.names()])
  if (names.size > 0) return names
  throw new TypeError('Option "strictKeys" needs "defaults" or a record of schemas, because they name the keys.')
}

/**
 * Passes changes of memory to watchers and listeners.
 *
 * @param replica - `undefined` while it moves the memory of a dictionary that is open already to what it loaded.
 */
function observe(
  { emitter, watchers, context }: Base,
  diagnostics: Diagnostics,
  replica: () => Replica | undefined,
  earlier: Memory | undefined,
): Observer {
  const notify = (change: Change) => {
    watchers.notify(change)
    emitter.emit('change', change)
  }
  return {
    get wantsSteps() {
      return watchers.size > 0 || emitter.has('change')
    },
    stepped(steps, version, id) {
      context.run(() => {
        const memory = (replica()?.memory ?? earlier) as Memory
        for (const step of steps) {
          const origin = replica()?.isOwn(id, step.key) ? 'local' : 'remote'
          notify(toChange(step, version, origin, memory))
        }
      })
    },
    synced(reason, version, previous, changes) {
      diagnostics.synced(reason, changes)
      emitter.emit('sync', { reason, version, previous })
    },
  }
}

async function startFeed(store: Store, replica: Replica, emitter: Emitter, bound = STALENESS_BOUND): Promise<LiveFeed> {
  const push = store.supports.subscribe
  const confirmEvery = bound / HEARTBEATS_PER_BOUND
  const staleness = () => now() - replica.confirmedAt
  const feed = new LiveFeed(replica, {
    heartbeat: push ? confirmEvery : Math.min(confirmEvery, store.backend.pollEvery ?? POLL_EVERY),
    bound,
    onStale: cause => emitter.emit('stale', { staleness: staleness(), cause }),
    onFresh: () => emitter.emit('fresh', { staleness: staleness() }),
  })
  replica.onConfirmed = () => feed.confirmed()
  try {
    await feed.start(push)
    return feed
  } catch (error) {
    await Promise.allSettled([feed.stop(), replica.abandon()])
    throw error
  }
}
