type Listener = () => void

/** One real listener a signal, however many wait for it: Node.js warns of more than ten, and the limit is the application's. */
const registries = new WeakMap<AbortSignal, Registry>()

class Registry {
  readonly #signal: AbortSignal
  readonly #listeners = new Set<{ readonly call: Listener }>()

  constructor(signal: AbortSignal) {
    this.#signal = signal
  }

  add(call: Listener): () => void {
    if (this.#listeners.size === 0) this.#signal.addEventListener('abort', this.#onAbort)
    const listener = { call }
    this.#listeners.add(listener)
    return () => {
      this.#listeners.delete(listener)
      if (this.#listeners.size === 0) this.#signal.removeEventListener('abort', this.#onAbort)
    }
  }

  readonly #onAbort = () => {
    for (const { call } of [...this.#listeners]) call()
  }
}

/**
 * Calls the listener when the signal is aborted; never for one that is aborted already. Returns what removes it.
 *
 * @param signal - may be one that the application shares among any number of dictionaries and calls.
 */
export function onAbort(signal: AbortSignal | undefined, listener: () => void): () => void {
  if (!signal) return () => {}
  const registry = registries.get(signal) ?? new Registry(signal)
  registries.set(signal, registry)
  return registry.add(listener)
}
