import { EVALUATORS, isDefinition } from './definition.js'

/** The entries of a state, as far as they are used. */
interface Entries {
  keys(): Iterable<string>
  get(key: string): unknown
}

/** Collects the keys that change on the way to the next state. */
export class ChangedKeys {
  readonly #keys = new Set<string>()

  add(key: string): void {
    this.#keys.add(key)
  }

  /** Returns the flags that changed since the last call. A change of the shared rules changes every definition. */
  take(state: Entries): string[] {
    if (this.#keys.delete(EVALUATORS)) for (const key of definitionsIn(state)) this.#keys.add(key)
    const flags = [...this.#keys]
    this.#keys.clear()
    return flags
  }
}

function* definitionsIn(state: Entries): Generator<string> {
  for (const key of state.keys()) if (isDefinition(readable(state, key))) yield key
}

function readable(state: Entries, key: string): unknown {
  try {
    return state.get(key)
  } catch {
    return undefined
  }
}
