import { listOpen, type OpenDictionary } from '../diagnostics/open-dictionaries.js'
import { now } from '../time/clock.js'
import { onAbort } from '../time/on-abort.js'
import { type Internals, STALENESS_BOUND } from './assembly.js'
import { closeInternals } from './closing.js'
import type { DerivedSource } from './derived.js'
import { FleetReader } from './fleet.js'
import { Gate } from './gate.js'
import { type Health, healthOf } from './health.js'
import { PastReader } from './history/past.js'
import { Reads } from './reads.js'
import type { RequestApi } from './request-api.js'
import { RequestChecks } from './request-checks.js'
import { snapshotHere } from './request-scope.js'
import { ResyncTimer } from './resync.js'
import { Transactor } from './transact.js'
import type { StateView } from './views.js'
import { Writes } from './writes.js'

/** One open dictionary: what the object that `open` returned shares with the views that `as()` returns. */
export class Core {
  readonly internals: Internals
  readonly gate: Gate
  readonly reads: Reads
  readonly writes: Writes
  readonly transactor: Transactor
  readonly derivedSource: DerivedSource
  readonly past: PastReader
  readonly fleet: FleetReader
  readonly requestApi: RequestApi
  /** Kept here because the list refers to it weakly. */
  readonly #listed: OpenDictionary
  readonly #unlist: () => void
  readonly #resync: ResyncTimer | undefined
  readonly #forgetSignal: () => void
  #closing: Promise<void> | undefined

  constructor(internals: Internals) {
    const { name, defaults, keys, settings, replica } = internals
    this.internals = internals
    this.gate = new Gate(name)
    this.reads = new Reads(internals, this.gate)
    this.writes = new Writes(internals, this.gate, this)
    this.transactor = new Transactor({
      dictionary: name,
      get codec() {
        return internals.codec
      },
      defaults,
      keys,
      closing: this.gate.signal,
      begin: () => this.reads.state(),
      submit: (group, terms, limit) => this.writes.submit(group, terms, limit),
    })
    this.past = new PastReader(internals, this.writes)
    this.fleet = new FleetReader(internals, this.gate)
    this.derivedSource = {
      version: () => replica.memory.version,
      held: () => this.reads.held(),
      ofRequest: () => snapshotHere(this) as StateView | undefined,
    }
    this.#listed = this.#described()
    this.#unlist = listOpen(this.#listed)
    this.#resync = settings.resyncEvery === undefined ? undefined : this.#startResync(settings.resyncEvery)
    this.#forgetSignal = onAbort(settings.signal, () => void this.close().catch(() => {}))
    this.requestApi = {
      name,
      identity: this,
      readOnly: settings.readOnly,
      checks: new RequestChecks(internals, this.gate),
      maxStaleness: settings.maxStaleness ?? 0,
      present: () => this.reads.present(),
    }
  }

  get staleness(): number {
    return now() - this.internals.replica.confirmedAt
  }

  /** Never throws. */
  health(): Health {
    const { staleness, limit } = this
    const { origin, store } = this.internals
    return healthOf({ closed: this.gate.closed, staleness, limit, origin, diagnostics: store.diagnostics })
  }

  /** From which staleness on memory counts as stale, in ms; `undefined` unless the background keeps it current. */
  get limit(): number | undefined {
    const { live, maxStaleness = STALENESS_BOUND } = this.internals.settings
    return live ? maxStaleness : undefined
  }

  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    this.gate.close()
    this.#forgetSignal()
    this.#resync?.stop()
    this.#unlist()
    // Not a turn later than necessary: what is waiting must not be sent meanwhile.
    if (this.internals.absence) await this.internals.absence.close(this.gate.error())
    await closeInternals(this.internals, this.gate.error())
  }

  #described(): OpenDictionary {
    const { replica, store } = this.internals
    return {
      ...store.diagnostics.subject,
      staleness: () => this.staleness,
      limit: () => this.limit,
      entries: () => replica.memory.entries.stored.size,
    }
  }

  #startResync(every: number): ResyncTimer {
    const { emitter } = this.internals
    const onFault = (cause: unknown) => emitter.emit('stale', { staleness: this.staleness, cause })
    return new ResyncTimer(every, () => this.internals.replica.resync(), onFault)
  }
}
