import type { Backend, Group } from '../contract/backend.js'
import { Store } from '../contract/store.js'
import type { Diagnostics } from '../diagnostics/diagnostics.js'
import { BoundedStore } from '../replica/bounded-store.js'
import { openFault } from '../replica/faults.js'
import type { Observer } from '../replica/history.js'
import { LiveFeed } from '../replica/live-feed.js'
import type { MembershipOptions } from '../replica/membership.js'
import { Replica } from '../replica/replica.js'
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

/** The parts of an open dictionary. */
export interface Internals {
  readonly name: string
  readonly settings: Settings
  readonly store: Store
  readonly context: StoreContext
  readonly codec: Codec
  readonly defaults: Defaults
  readonly keys: Keys
  readonly emitter: Emitter
  readonly watchers: Watchers
  readonly replica: Replica
  readonly reencoder: Reencoder
  readonly feed: LiveFeed | undefined
  readonly past: Past
  readonly fleet: Fleet
}

/** Builds a dictionary and loads it. On failure it closes the backend and leaves nothing open. */
export async function assemble(
  backend: Backend<unknown>,
  settings: Settings,
  context: StoreContext,
): Promise<Internals> {
  const { signal } = settings
  const reads = new Deadlines()
  const forgetSignal = onAbort(signal, () => reads.endAll(signal?.reason))
  try {
    signal?.throwIfAborted()
    const store = new Store(backend)
    const open = (progress: () => void) => context.run(() => build(store, settings, reads, context, progress))
    return await store.diagnostics.open(() => withinTimeout(settings, store.name, reads, open))
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
): Promise<V> {
  const onTimeout = () => {
    const fault = openFault(late(timeout), dictionary)
    reads.endAll(fault)
    return fault
  }
  return new Deadlines().bound(work, timeout, onTimeout)
}

async function build(
  store: Store,
  settings: Settings,
  reads: Deadlines,
  context: StoreContext,
  progress: () => void,
): Promise<Internals> {
  const { name } = store
  const { encoding, oldEncoding } = settings
  const emitter = new Emitter(name, context, store.diagnostics)
  const watchers = new Watchers()
  const schema = new SchemaCheck(settings.schema, name)
  const { valueKind } = store.backend
  // Only a backend with commit() can write a value back without losing a concurrent write.
  const writesBack = store.supports.commit && !settings.readOnly
  const onOld = (key: string) => void (writesBack && reencoder.note(key))
  const codec = new Codec({ dictionary: name, encoding, oldEncoding, schema, valueKind, onOld })
  const defaults = new Defaults(settings.defaults, codec, name)
  const keys = new Keys(name, settings.strictKeys ? namesOf(defaults, schema) : undefined)
  const observer = observe(emitter, watchers, context, store.diagnostics, () => replica)
  checkBound(settings, store.supports, name)
  checkConsistency(settings, store.supports, name)
  checkHistory(settings, store.supports, name)
  const bounded = new BoundedStore(store, reads, settings.timeout, context)
  if (settings.history !== undefined && store.supports.history) await bounded.setHistoryPolicy(settings.history)
  const promises = { ...settings, membership: membershipOf(settings, store) }
  const replica = await Replica.open(bounded, codec.decode.bind(codec), observer, promises, progress)
  const attribution = settings.by === undefined ? undefined : { by: settings.by }
  const submit = (group: Group<unknown>) => replica.submit(group)
  const reencoder = new Reencoder({ codec, attribution, memory: () => replica.memory, submit })
  const feed = settings.live ? await startFeed(store, replica, emitter, settings.maxStaleness) : undefined
  bounded.opened()
  return {
    name,
    settings,
    store,
    context,
    codec,
    defaults,
    keys,
    emitter,
    watchers,
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

/** Passes changes of memory to watchers and listeners. */
function observe(
  emitter: Emitter,
  watchers: Watchers,
  context: StoreContext,
  diagnostics: Diagnostics,
  replica: () => Replica,
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
        for (const step of steps) {
          const origin = replica().isOwn(id, step.key) ? 'local' : 'remote'
          notify(toChange(step, version, origin, replica().memory))
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
    await feed.stop()
    await replica.abandon()
    throw error
  }
}
