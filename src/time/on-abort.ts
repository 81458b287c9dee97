type Listener = () => void

/** One registered listener for each signal, however many callers wait: Node.js warns above ten listeners. */
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
 * Calls the listener when the signal is aborted; never for a signal that is aborted already. Returns a function that removes the
 * listener.
 *
 * @param signal - the application may share it among any number of dictionaries and calls.
 */
export function onAbort(signal: AbortSignal | undefined, listener: () => void): () => void {
  if (!signal) return () => {}
  const registry = registries.get(signal) ?? new Registry(signal)
  registries.set(signal, registry)
  return registry.add(listener)
}
