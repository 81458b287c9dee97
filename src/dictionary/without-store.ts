import { StoreUnavailableError, UnsupportedError } from '../errors/errors.js'
import { AbsentReplica } from '../last-known/absent-replica.js'
import { type Found, findKnown } from '../last-known/find.js'
import { Reconnection } from '../last-known/reconnection.js'
import { Recorder } from '../last-known/recorder.js'
import type { LastKnownSettings } from '../last-known/settings.js'
import { BoundedStore } from '../replica/bounded-store.js'
import type { Copy } from '../replica/replica.js'
import { now, setImmediate } from '../time/clock.js'
import { Deadlines } from '../time/deadlines.js'
import { warn } from '../warnings/warnings.js'
import { type Base, baseOf, codecOf, type Internals } from './assembly.js'
import type { Opener } from './opening.js'
import { Reencoder } from './reencoder.js'
import type { Settings } from './settings.js'
import type { StoreContext } from './store-context.js'

type Mutable = { -readonly [Member in keyof Internals]: Internals[Member] }

/**
 * Opens a dictionary that keeps a last known file: on its store, else on that file or the seed.
 *
 * @throws what the attempt to open it on its store threw, if that is not an outage, or there is no file to use.
 */
export async function openWithLastKnown(opener: Opener, settings: Settings, context: StoreContext): Promise<Internals> {
  if (settings.encoding.passThrough || settings.oldEncoding?.passThrough) throw noText(opener.store.name)
  const known = settings.lastKnown as LastKnownSettings
  try {
    const internals: Mutable = await opener.attempt()
    record(known, internals)
    return internals
  } catch (error) {
    if (!(error instanceof StoreUnavailableError) || opener.refuses(error)) throw error
    const owner = ownerOf(opener.store.name, settings)
    const found = await findKnown(known, owner)
    settings.signal?.throwIfAborted()
    if (!found) throw error
    return new WithoutStore(opener, settings, context).open(found, error)
  }
}

/** A dictionary that serves what was last known, until its store answers. */
class WithoutStore {
  readonly #opener: Opener
  readonly #settings: Settings
  readonly #context: StoreContext

  constructor(opener: Opener, settings: Settings, context: StoreContext) {
    this.#opener = opener
    this.#settings = settings
    this.#context = context
  }

  open(found: Found, cause: StoreUnavailableError): Internals {
    const { store } = this.#opener
    const codec = codecOf(store, this.#settings, () => {})
    const base = baseOf(store.name, this.#settings, this.#context, codec, store.diagnostics)
    const connect = (signal: AbortSignal) => this.#connect(internals, base, signal)
    const reconnection = new Reconnection<Copy>({
      dictionary: base.name,
      timeout: this.#settings.timeout,
      cause,
      connect: signal => this.#context.run(() => connect(signal)),
      failed: error => this.#failed(error),
    })
    const replica = new AbsentReplica(found, codec.decode.bind(codec), reconnection)
    const bounded = new BoundedStore(store, new Deadlines(), this.#settings.timeout, this.#context)
    bounded.opened()
    const reencoder = new Reencoder({
      codec,
      attribution: undefined,
      memory: () => replica.memory,
      submit: group => replica.submit(group),
    })
    const internals: Mutable = {
      ...base,
      origin: found.origin,
      absence: { join: () => reconnection.join(), close: reason => end(reconnection, bounded, reason) },
      store,
      codec,
      replica,
      reencoder,
      feed: undefined,
      past: bounded,
      fleet: bounded,
    }
    // The caller of `open` adds its listeners a moment later.
    setImmediate(() => {
      if (!internals.absence) return
      base.emitter.emit('stale', { staleness: now() - replica.confirmedAt, cause: reconnection.fault })
    })
    return internals
  }

  async #connect(internals: Mutable, base: Base, signal: AbortSignal): Promise<Copy> {
    const earlier = { ...base, memory: internals.replica.memory }
    const { store, codec, replica, reencoder, feed, past, fleet } = await this.#opener.attempt(signal, earlier)
    Object.assign(internals, {
      store,
      codec,
      replica,
      reencoder,
      feed,
      past,
      fleet,
      origin: 'store',
      absence: undefined,
    })
    record(this.#settings.lastKnown as LastKnownSettings, internals)
    base.emitter.emit('fresh', { staleness: now() - replica.confirmedAt })
    return replica
  }

  /** What would have made `open` reject does not end the attempts: someone may grant the right while the dictionary serves. */
  #failed(error: unknown): void {
    if (error instanceof StoreUnavailableError && !this.#opener.refuses(error)) return
    const { name } = this.#opener.store
    const reason = error instanceof Error ? error.message : 'an unknown error'
    warn(
      'DURABLEDICT_LAST_KNOWN',
      `Dictionary "${name}" serves its last known state, because its store refuses it: ${reason}`,
      { source: name },
    )
  }
}

async function end(
  reconnection: { close(reason: unknown): Promise<void> },
  store: BoundedStore,
  reason: unknown,
): Promise<void> {
  store.endReads(reason)
  await reconnection.close(reason)
}

/** Keeps the last known file up to date from now on. */
function record(known: LastKnownSettings, internals: Mutable): void {
  const recorder = new Recorder(known, ownerOf(internals.name, internals.settings), () => internals.replica)
  internals.emitter.on('sync', () => recorder.changed())
  internals.recorder = recorder
}

function noText(dictionary: string): UnsupportedError {
  return new UnsupportedError(
    `Option "lastKnown" of dictionary "${dictionary}" needs an encoding that makes text or bytes, because a file holds nothing else.`,
    { dictionary },
  )
}

function ownerOf(name: string, { encoding, oldEncoding }: Settings) {
  return { name, encodings: [encoding.name, ...(oldEncoding ? [oldEncoding.name] : [])] }
}
