import type { Backend } from '../contract/backend.js'

const METHODS = [
  'persist',
  'depersist',
  'durables',
  'lastUpdated',
  'pop',
  'setDefault',
  'commit',
  'changesSince',
  'load',
  'subscribe',
  'registerMaxStaleness',
  'history',
  'setHistoryPolicy',
  'forgetAuthor',
  'register',
  'leave',
  'replicas',
  'acknowledge',
  'awaitAcknowledgements',
] as const

/** A method of a backend. */
export type Method = (typeof METHODS)[number] | 'restrictToReads' | 'close'

/** Intercepts one method of a backend. It may call `proceed` immediately, later or not at all. */
export type Interceptor = (proceed: (...args: readonly unknown[]) => unknown, ...args: readonly unknown[]) => unknown

/** A call that the dictionary made. */
export interface Call {
  readonly method: Method
  readonly args: readonly unknown[]
}

/** A backend whose calls can be counted, failed, delayed and held, for tests of code that uses a backend. */
export class FaultyBackend {
  /** The backend to open the dictionary on. It has the methods of the inner one, and always `restrictToReads` and `close`. */
  readonly backend: Backend<unknown>
  /** All calls so far, in order. */
  readonly calls: Call[] = []
  readonly #inner: Backend<unknown>
  readonly #interceptors = new Map<Method, Interceptor>()
  #held: ((reason: unknown) => void)[] = []
  #waiting: { method: Method; resolve: () => void }[] = []

  constructor(inner: Backend<unknown>) {
    this.#inner = inner
    const { name, storeKind, supports, valueKind, pollEvery } = inner
    const wrapper: Record<string, unknown> = {}
    for (const [member, value] of Object.entries({ name, storeKind, supports, valueKind, pollEvery })) {
      if (value !== undefined) wrapper[member] = value
    }
    for (const method of METHODS) {
      if (typeof inner[method] === 'function') wrapper[method] = this.#wrap(method)
    }
    wrapper.restrictToReads = this.#wrap('restrictToReads')
    wrapper.close = this.#wrap('close')
    // Not a call to the store. Without it, each fault would count as one that lasts.
    if (inner.refuses) wrapper.refuses = (error: unknown) => inner.refuses?.(error)
    this.backend = wrapper as unknown as Backend<unknown>
  }

  /**
   * Lets the dictionary call `currentAsOf` of the inner backend.
   * Default: it cannot, so that each check is a call.
   */
  letKnow(): void {
    const inner = this.#inner
    if (inner.currentAsOf) this.backend.currentAsOf = version => inner.currentAsOf?.(version)
  }

  /** How often the methods were called in total. */
  count(...methods: readonly Method[]): number {
    return this.calls.filter(({ method }) => methods.includes(method)).length
  }

  /** Resolves at the next call of the method. */
  called(method: Method): Promise<void> {
    return new Promise(resolve => this.#waiting.push({ method, resolve }))
  }

  /** Sets the interceptor of each of the methods. It replaces an earlier one. */
  intercept(methods: Method | readonly Method[], interceptor: Interceptor): void {
    for (const method of [methods].flat() as Method[]) this.#interceptors.set(method, interceptor)
  }

  /** Makes the calls fail without effect. */
  failBefore(methods: Method | readonly Method[], error: unknown = lost()): void {
    this.intercept(methods, () => Promise.reject(error))
  }

  /** Makes the calls take effect, but lose their answers. */
  failAfter(methods: Method | readonly Method[], error: unknown = lost()): void {
    this.intercept(methods, async (proceed, ...args) => {
      await proceed(...args)
      throw error
    })
  }

  /** Makes the calls hang without effect until {@link FaultyBackend.heal} ends them. */
  hang(methods: Method | readonly Method[]): void {
    this.intercept(methods, () => this.#hold())
  }

  /** Makes the calls take effect, but never answers them. */
  hangAfter(methods: Method | readonly Method[]): void {
    this.intercept(methods, async (proceed, ...args) => {
      await proceed(...args)
      return this.#hold()
    })
  }

  /** Sends the calls when `until` resolves. */
  delayBefore(methods: Method | readonly Method[], until: () => Promise<unknown>): void {
    this.intercept(methods, async (proceed, ...args) => {
      await until()
      return proceed(...args)
    })
  }

  /** Makes the calls take effect, and answers them when `until` resolves. */
  delayAfter(methods: Method | readonly Method[], until: () => Promise<unknown>): void {
    this.intercept(methods, async (proceed, ...args) => {
      const answer = await proceed(...args)
      await until()
      return answer
    })
  }

  /** Ends all faults: later calls pass, and held calls fail. */
  heal(): void {
    this.#interceptors.clear()
    for (const reject of this.#held.splice(0)) reject(lost())
  }

  #hold(): Promise<never> {
    return new Promise((_, reject) => this.#held.push(reject))
  }

  #wrap(method: Method): (...args: unknown[]) => unknown {
    const proceed = (...args: readonly unknown[]) =>
      (this.#inner[method] as ((...args: readonly unknown[]) => unknown) | undefined)?.call(this.#inner, ...args)
    return (...args) => {
      this.calls.push({ method, args })
      for (const { resolve } of this.#waiting.filter(one => one.method === method)) resolve()
      this.#waiting = this.#waiting.filter(one => one.method !== method)
      const interceptor = this.#interceptors.get(method)
      return interceptor ? interceptor(proceed, ...args) : proceed(...args)
    }
  }
}

function lost(): Error {
  return new Error('The connection was lost (an injected fault).')
}
