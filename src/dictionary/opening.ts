import { AbsentBackend } from '../contract/absent-backend.js'
import type { Backend } from '../contract/backend.js'
import { Connectable } from '../contract/connectable.js'
import { isRefusedBy } from '../contract/refusals.js'
import { Store } from '../contract/store.js'
import { assemble, type Earlier, type Internals } from './assembly.js'
import { closeQuietly } from './closing.js'
import type { Settings } from './settings.js'
import type { StoreContext } from './store-context.js'

/** Where a dictionary's entries are: a backend, or a store that must be connected first. */
export type Source = Backend<unknown> | Connectable

/** Opens a dictionary on its store, as often as that takes. */
export class Opener {
  readonly #source: Source
  readonly #settings: Settings
  readonly #context: StoreContext
  /** Of all attempts: without a backend yet, it has one whose calls fail. */
  readonly store: Store

  constructor(source: Source, settings: Settings, context: StoreContext) {
    this.#source = source
    this.#settings = settings
    this.#context = context
    if (settings.readOnly && !(source instanceof Connectable)) context.run(() => source?.restrictToReads?.())
    this.store = new Store(source instanceof Connectable ? new AbsentBackend(source.name, source.storeKind) : source)
  }

  /** Makes one attempt. On failure it leaves nothing open but the caller's backend. */
  async attempt(signal = this.#settings.signal, earlier?: Earlier): Promise<Internals> {
    const settings = { ...this.#settings, signal }
    if (this.#source instanceof Connectable) return this.#connect(this.#source, settings, earlier)
    return assemble(this.store, settings, this.#context, earlier)
  }

  /** Whether one of the errors says that the store answered, and will not answer otherwise later. */
  refuses(error: unknown): boolean {
    return isRefusedBy(this.#source, error)
  }

  async #connect(source: Connectable, settings: Settings, earlier: Earlier | undefined): Promise<Internals> {
    const { backend, encoding = settings.encoding } = await this.#context.run(() => source.connect(settings.signal))
    try {
      if (settings.readOnly) this.#context.run(() => backend.restrictToReads?.())
      const store = new Store(backend, this.store.diagnostics)
      return await assemble(store, { ...settings, encoding }, this.#context, earlier)
    } catch (error) {
      await this.#context.run(() => closeQuietly(backend, settings.timeout))
      throw error
    }
  }
}
