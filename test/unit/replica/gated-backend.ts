import { MemoryBackend } from '../../../src/backends/memory/memory-backend.js'
import { MemoryStore } from '../../../src/backends/memory/memory-store.js'
import { FaultyBackend } from '../../../src/conformance/faulty-backend.js'
import type { Backend, Listener, Supports } from '../../../src/contract/backend.js'

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

type Members = Required<Backend<unknown>>

/** A `MemoryBackend` with asynchronous answers, each of which the test can hold, release or fail. */
export class GatedBackend implements Backend<unknown> {
  declare readonly name: string
  declare readonly valueKind: 'references'
  declare persist: Members['persist']
  declare depersist: Members['depersist']
  declare durables: Members['durables']
  declare lastUpdated: Members['lastUpdated']
  declare load: () => ReturnType<Members['load']>
  declare changesSince: Members['changesSince']
  declare commit: Members['commit']
  declare subscribe: Members['subscribe']
  declare close: Members['close']
  /** Without history, nothing is written after a comparison. */
  supports: Supports = { history: false }
  readonly store: MemoryStore
  readonly calls: Method[] = []
  readonly listeners = new Set<Listener<unknown>>()
  readonly #gated = new Set<Method>()
  readonly #held: [Method, Held][] = []
  readonly #waiting: [Method, (held: Held) => void][] = []

  constructor(store = new MemoryStore()) {
    this.store = store
    const faulty = new FaultyBackend(new MemoryBackend(store, 'gated'))
    for (const method of ['load', 'changesSince', 'commit', 'close'] as const) {
      faulty.intercept(method, (proceed, ...args) => this.#answer(method, () => proceed(...args)))
    }
    faulty.intercept('subscribe', (_proceed, listener) => this.#subscribed(listener as Listener<unknown>))
    Object.assign(this, faulty.backend)
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

  #subscribed(listener: Listener<unknown>): Promise<unknown> {
    return this.#answer('subscribe', () => {
      this.listeners.add(listener)
      return () => this.#answer('unsubscribe', () => void this.listeners.delete(listener))
    })
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
