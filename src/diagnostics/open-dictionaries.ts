/** An open dictionary, as exporters of metrics read it. It has methods only, because copies of the library of several releases share it. */
export interface OpenDictionary {
  readonly name: string
  /** The kind of its store. */
  readonly store: string
  /** How long ago memory was confirmed current, in ms. */
  staleness(): number
  /** From which staleness on memory counts as stale, in ms; `undefined` unless the background keeps it current. */
  limit(): number | undefined
  /** How many keys are stored. */
  entries(): number
}

const REGISTRY = Symbol.for('durabledict.open')

interface Registry {
  [REGISTRY]?: Set<WeakRef<OpenDictionary>>
}

/** Every copy and release of the library in this process uses this set, so that a metric covers all dictionaries. */
function registry(): Set<WeakRef<OpenDictionary>> {
  const holder = globalThis as Registry
  holder[REGISTRY] ??= new Set()
  return holder[REGISTRY]
}

/** Removes dictionaries that were dropped without `close`. Weak references let them be collected. */
const dropped = new FinalizationRegistry<WeakRef<OpenDictionary>>(reference => registry().delete(reference))

/** Lists a dictionary until the returned function is called. The caller keeps `dictionary` alive. */
export function listOpen(dictionary: OpenDictionary): () => void {
  const reference = new WeakRef(dictionary)
  registry().add(reference)
  dropped.register(dictionary, reference, reference)
  return () => {
    registry().delete(reference)
    dropped.unregister(reference)
  }
}

/** The open dictionaries of this process. */
export function openDictionaries(): OpenDictionary[] {
  return [...registry()].flatMap(reference => reference.deref() ?? [])
}
