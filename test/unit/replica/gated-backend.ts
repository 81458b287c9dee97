import { MemoryBackend } from '../../../src/backends/memory/memory-backend.js'
import { MemoryStore } from '../../../src/backends/memory/memory-store.js'
import type {
  Backend,
  Batch,
  CatchUp,
  Committed,
  Listener,
  State,
  Unsubscribe,
  Version,
} from '../../../src/contract/backend.js'

export type Method = 'load' | 'changesSince' | 'commit' | 'subscribe' | 'close' | 'unsubscribe'

/** A call that the test controls. */
export interface Held {
  /** The store executes the call now; the answer still waits. */
  execute(): void
  /** The answer arrives (and the call is executed, unless it was before). */
  release(): void
  /** The call fails, executed or not. */
  fail(error: unknown): void
}

/** A `MemoryBackend` with asynchronous answers, each of which the test can hold, release or fail. */
export class GatedBackend implements Backend<unknown> {
  readonly name = 'gated'
  readonly valueKind = 'references'
  readonly store: MemoryStore
  readonly calls: Method[] = []
  readonly listeners = new Set<Listener<unknown>>()
  readonly #inner: MemoryBackend
  readonly #gated = new Set<Method>()
  readonly #held: [Method, Held][] = []
  readonly #waiting: [Method, (held: Held) => void][] = []

  constructor(store = new MemoryStore()) {
    this.store = store
    this.#inner = new MemoryBackend(store, 'gated')
  }

  /** From now on, calls of this method wait for the test. */
  gate(...methods: Method[]): this {
    for (const method of methods) this.#gated.add(method)
    return this
  }

  /** Calls are answered immediately again. Held calls stay held. */
  ungate(...methods: Method[]): this {
    for (const method of methods) this.#gated.delete(method)
    return this
  }

  /** The next held call of the method: a present one, or the next to come. */
  held(method: Method): Promise<Held> {
    const index = this.#held.findIndex(([one]) => one === method)
    if (index >= 0) return Promise.resolve((this.#held.splice(index, 1)[0] as [Method, Held])[1])
    return new Promise(resolve => this.#waiting.push([method, resolve]))
  }

  count(method: Method): number {
    return this.calls.filter(one => one === method).length
  }

  persist(key: string, stored: unknown): Promise<void> {
    return Promise.resolve(this.#inner.persist(key, stored))
  }

  depersist(key: string): Promise<boolean> {
    return Promise.resolve(this.#inner.depersist(key))
  }

  durables(): Iterable<readonly [string, unknown]> {
    return this.#inner.durables()
  }

  lastUpdated(): Promise<Version> {
    return Promise.resolve(this.#inner.lastUpdated())
  }

  load(): Promise<State<unknown>> {
    return this.#answer('load', () => this.#inner.load())
  }

  changesSince(since: Version): Promise<CatchUp<unknown>> {
    return this.#answer('changesSince', () => this.#inner.changesSince(since))
  }

  commit(batch: Batch<unknown>, since: Version): Promise<Committed<unknown>> {
    return this.#answer('commit', () => this.#inner.commit(batch, since))
  }

  subscribe(listener: Listener<unknown>): Promise<Unsubscribe> {
    return this.#answer('subscribe', () => {
      this.listeners.add(listener)
      return () => this.#answer('unsubscribe', () => void this.listeners.delete(listener))
    })
  }

  close(): Promise<void> {
    return this.#answer('close', () => {})
  }

  #answer<V>(method: Method, work: () => V): Promise<V> {
    this.calls.push(method)
    if (!this.#gated.has(method)) return new Promise(resolve => setImmediate(() => resolve(work())))
    return new Promise((resolve, reject) => this.#hold(method, work, resolve, reject))
  }

  #hold<V>(method: Method, work: () => V, resolve: (answer: V) => void, reject: (error: unknown) => void): void {
    let done: { answer: V } | undefined
    const execute = () => {
      done ??= { answer: work() }
      return done
    }
    const held = { execute: () => void execute(), release: () => resolve(execute().answer), fail: reject }
    const index = this.#waiting.findIndex(([one]) => one === method)
    if (index < 0) this.#held.push([method, held])
    else (this.#waiting.splice(index, 1)[0] as [Method, (held: Held) => void])[1](held)
  }
}

/** Resolves when everything due has run: promises, immediates and timers. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 4; turn += 1) await new Promise(resolve => setImmediate(resolve))
}

/** The present outcome of the promise. */
export async function stateOf(promise: Promise<unknown>): Promise<'pending' | 'fulfilled' | 'rejected'> {
  let state: 'pending' | 'fulfilled' | 'rejected' = 'pending'
  promise.then(
    () => {
      state = 'fulfilled'
    },
    () => {
      state = 'rejected'
    },
  )
  await settle()
  return state
}
