import type {
  Batch,
  CatchUp,
  Change,
  Committed,
  Effect,
  Listener,
  State,
  Unsubscribe,
  Version,
} from '../../contract/backend.js'
import { executeGroup, touches } from '../../contract/execute-group.js'
import { type CommitNote, Journal, noteOf, notesWorthKeeping } from '../../contract/history.js'
import { makesChange } from '../../contract/makes-change.js'
import { brand } from '../../process/branded.js'
import { setImmediate } from '../../time/clock.js'
import { MemoryHistory } from './memory-history.js'
import { MemoryRegistry } from './memory-registry.js'

/** The most effects in the change log. */
const LOG_LIMIT = 1_000

/**
 * A store inside this process, for tests. Several dictionaries on one `MemoryStore` behave like several processes on one
 * server.
 *
 * @example
 * const store = new MemoryStore()
 * const [one, other] = [await MemoryDict.open(store), await MemoryDict.open(store)]
 */
export class MemoryStore {
  static {
    brand(MemoryStore, 'MemoryStore')
  }

  readonly #entries = new Map<string, unknown>()
  readonly #listeners = new Set<Listener<unknown>>()
  readonly #epoch = crypto.randomUUID()
  /** For the backend. */
  readonly history = new MemoryHistory(this.#epoch)
  /** For the backend. */
  readonly registry = new MemoryRegistry((held, version) => this.#includes(held, version))
  #log: Change<unknown>[] = []
  #logged = 0
  #count = 0

  get version(): string {
    return `${this.#count}-${this.#epoch}`
  }

  /** For the backend. */
  load(): State<unknown> {
    return { version: this.version, entries: new Map(this.#entries) }
  }

  /** For the backend. */
  changesSince(since: unknown): CatchUp<unknown> {
    const { version } = this
    if (since === version) return { type: 'changes', version, changes: [] }
    const start = this.#log.findLastIndex(({ previous }) => previous === since)
    if (start < 0) return { type: 'tooOld', diverged: !String(since).endsWith(`-${this.#epoch}`) }
    return { type: 'changes', version, changes: this.#log.slice(start) }
  }

  /** For the backend. */
  commit(batch: Pick<Batch<unknown>, 'groups'> & Partial<Batch<unknown>>, since: unknown): Committed<unknown> {
    const effects: Effect<unknown>[] = []
    const target = {
      get: (key: string) => this.#entries.get(key),
      set: (key: string, stored: unknown) => void this.#entries.set(key, stored),
      delete: (key: string) => void this.#entries.delete(key),
      clear: () => this.#clear(),
      entries: () => this.#entries,
      changedSince: (version: unknown, key: string) => this.#changedSince(version, key),
    }
    const notes: CommitNote[] = []
    const journals: Journal<unknown>[] = []
    const outcomes = batch.groups.map(group => {
      const before = effects.length
      const journal = new Journal<unknown>()
      const outcome = executeGroup(group, target, before > 0 ? undefined : this.version, effects, journal)
      if (effects.length > before) {
        notes.push(noteOf(group.attribution, effects.length - before))
        journals.push(journal)
      }
      return outcome
    })
    if (makesChange(batch, effects)) this.#append(effects, notes, batch)
    for (const [index, { changes }] of journals.entries()) this.history.add(this.version, notes[index], changes)
    const { bound } = this.registry
    const committed = { outcomes, catchUp: this.changesSince(since), bound }
    return batch.acknowledge ? { ...committed, registry: this.registry.read() } : committed
  }

  /** For the backend. Returns the number of commits. */
  forgetAuthor(by: string): number {
    const forgotten = (note: CommitNote) => (note.by === by ? { ...note, by: undefined } : note)
    this.#log = this.#log.map(({ notes, ...change }) => (notes ? { ...change, notes: notes.map(forgotten) } : change))
    return this.history.forget(by)
  }

  /** For the backend. */
  subscribe(listener: Listener<unknown>): Unsubscribe {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  #clear(): boolean {
    const any = this.#entries.size > 0
    this.#entries.clear()
    return any
  }

  #changedSince(version: unknown, key: string): boolean {
    const past = this.changesSince(version)
    return past.type !== 'changes' || past.changes.some(({ effects }) => effects.some(effect => touches(effect, key)))
  }

  #includes(held: Version, version: Version): boolean {
    const position = this.#positionOf(version)
    return position >= 0 && this.#positionOf(held) >= position
  }

  /** -1 for a version of another store. */
  #positionOf(version: Version): number {
    const [count, ...epoch] = String(version).split('-')
    return epoch.join('-') === this.#epoch ? Number(count) : -1
  }

  #append(effects: readonly Effect<unknown>[], notes: readonly CommitNote[], batch: Partial<Batch<unknown>>): void {
    const previous = this.version
    this.#count += 1
    const { id, acknowledge } = batch
    const change = { previous, version: this.version, effects, id, notes: notesWorthKeeping(notes), acknowledge }
    this.#log.push(change)
    this.#logged += effects.length
    this.#trim()
    // Asynchronous and separate for each listener, like a message from another process.
    for (const listener of this.#listeners)
      setImmediate(() => this.#listeners.has(listener) && listener.changed(change))
  }

  #trim(): void {
    let end = 0
    for (; this.#logged > LOG_LIMIT; end += 1) this.#logged -= (this.#log[end] as Change<unknown>).effects.length
    if (end > 0) this.#log = this.#log.slice(end)
  }
}
