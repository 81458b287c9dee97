import { Diagnostics } from '../diagnostics/diagnostics.js'
import { checkPair, checkPairs, checkVersion } from './answers.js'
import type { Awaitable, Backend, Batch, CatchUp, Committed, Freshness, State, Version } from './backend.js'
import { type Capabilities, capabilities } from './capabilities.js'
import { isPromise } from './is-promise.js'
import { OneByOne } from './one-by-one.js'

/** A gap without divergence: without a change log the store's history is unknown. */
const TOO_OLD = { type: 'tooOld', diverged: false } as const

/** How often a load without `load` is tried before it rejects, on a store that keeps changing. */
const LOAD_ATTEMPTS = 50

/** A backend with every capability but `subscribe`: its own methods, else defaults built from the four methods. */
export class Store {
  readonly backend: Backend<unknown>
  readonly supports: Capabilities
  readonly diagnostics: Diagnostics

  /** @param diagnostics - of the dictionary, if it had another backend before. */
  constructor(backend: Backend<unknown>, diagnostics?: Diagnostics) {
    this.backend = backend
    this.supports = capabilities(backend)
    this.diagnostics = diagnostics ?? new Diagnostics(this.name, backend.storeKind)
  }

  get name(): string {
    return this.backend.name ?? 'dictionary'
  }

  /** Returns what happened since a version, synchronously if the backend answers synchronously. */
  catchUp(since: Version, freshness: Freshness): Awaitable<CatchUp<unknown>> {
    const { backend } = this
    if (this.supports.changesSince && backend.changesSince) return backend.changesSince(since, freshness)
    const version = backend.lastUpdated()
    return isPromise(version)
      ? version.then(now => compared(checkVersion(now), since))
      : compared(checkVersion(version), since)
  }

  /** @param progress - called before each step of a commit that takes several: it restarts the time limit. */
  commit(
    batch: Batch<unknown>,
    since: Version,
    signal: AbortSignal,
    progress: () => void,
  ): Awaitable<Committed<unknown>> {
    const { backend } = this
    if (this.supports.commit && backend.commit) return backend.commit(batch, since, signal)
    const step = () => {
      signal.throwIfAborted()
      progress()
    }
    return this.#commitOneByOne(batch, since, step)
  }

  /** Does nothing if the backend does not support it. */
  registerMaxStaleness(ms: number): Awaitable<void> {
    return this.backend.registerMaxStaleness?.(ms)
  }

  load(progress: () => void): Awaitable<State<unknown>> {
    const { backend } = this
    return this.supports.load && backend.load ? backend.load(progress) : this.#loadBetweenVersions(progress)
  }

  async #commitOneByOne(batch: Batch<unknown>, since: Version, step: () => void): Promise<Committed<unknown>> {
    const { backend, supports, name: dictionary } = this
    const outcomes = await new OneByOne({ dictionary, backend, supports, load: () => this.load(step), step }).commit(
      batch,
    )
    return { outcomes, catchUp: await this.#catchUpAfter(since, step) }
  }

  /** A fault here does not change the outcomes of the operations. The caller loads everything instead. */
  async #catchUpAfter(since: Version, step: () => void): Promise<CatchUp<unknown>> {
    step()
    try {
      return await this.catchUp(since, 'linearizable')
    } catch {
      return TOO_OLD
    }
  }

  /** Returns one consistent state: entries read while the version did not change. */
  async #loadBetweenVersions(progress: () => void): Promise<State<unknown>> {
    for (let attempt = 0; attempt < LOAD_ATTEMPTS; attempt += 1) {
      const version = checkVersion(await this.backend.lastUpdated())
      progress()
      const entries = await collect(await this.backend.durables(), progress)
      progress()
      if (Object.is(version, await this.backend.lastUpdated())) return { version, entries }
      progress()
    }
    throw new Error(
      `The store changed during each of ${LOAD_ATTEMPTS} attempts to load it. ` +
        'Give the backend a load() that reads entries and version in one transaction.',
    )
  }
}

/** Each pair of an asynchronous iterable shows that the store is alive, and restarts the time limit. */
async function collect(
  pairs: Iterable<readonly [string, unknown]> | AsyncIterable<readonly [string, unknown]>,
  progress: () => void,
): Promise<Map<string, unknown>> {
  checkPairs(pairs)
  const entries = new Map<string, unknown>()
  if (Symbol.iterator in pairs) {
    for (const pair of pairs) entries.set(...checkPair(pair))
    return entries
  }
  for await (const pair of pairs) {
    entries.set(...checkPair(pair))
    progress()
  }
  return entries
}

function compared(now: Version, since: Version): CatchUp<unknown> {
  return Object.is(now, since) ? { type: 'changes', version: now, changes: [] } : TOO_OLD
}
