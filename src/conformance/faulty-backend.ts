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
] as const

/** A method of a backend. */
export type Method = (typeof METHODS)[number] | 'restrictToReads' | 'close'

/** Stands between the dictionary and one method of its backend: may call `proceed`, or not, or later. */
export type Interceptor = (proceed: (...args: readonly unknown[]) => unknown, ...args: readonly unknown[]) => unknown

/** A call that the dictionary made. */
export interface Call {
  readonly method: Method
  readonly args: readonly unknown[]
}

/** A backend whose calls can be counted, failed, delayed and held up: for the tests of what is built on one. */
export class FaultyBackend {
  /** What to open the dictionary on. It has the methods that the inner one has, and always `restrictToReads` and `close`. */
  readonly backend: Backend<unknown>
  /** Every call so far, in order. */
  readonly calls: Call[] = []
  readonly #inner: Backend<unknown>
  readonly #interceptors = new Map<Method, Interceptor>()
  #held: ((reason: unknown) => void)[] = []
  #waiting: { method: Method; resolve: () => void }[] = []

  constructor(inner: Backend<unknown>) {
    this.#inner = inner
    const { name, supports, valueKind, pollEvery } = inner
    const wrapper: Record<string, unknown> = {}
    for (const [member, value] of Object.entries({ name, supports, valueKind, pollEvery })) {
      if (value !== undefined) wrapper[member] = value
    }
    for (const method of METHODS) {
      if (typeof inner[method] === 'function') wrapper[method] = this.#wrap(method)
    }
    wrapper.restrictToReads = this.#wrap('restrictToReads')
    wrapper.close = this.#wrap('close')
    this.backend = wrapper as unknown as Backend<unknown>
  }

  /**
   * Lets the dictionary look at what the backend knows without asking its store, as it would without this one in between.
   * Default: it cannot, so that each check is a call.
   */
  letKnow(): void {
    const inner = this.#inner
    if (inner.currentAsOf) this.backend.currentAsOf = version => inner.currentAsOf?.(version)
  }

  /** How often any of the methods was called. */
  count(...methods: readonly Method[]): number {
    return this.calls.filter(({ method }) => methods.includes(method)).length
  }

  /** Resolves at the next call of the method. */
  called(method: Method): Promise<void> {
    return new Promise(resolve => this.#waiting.push({ method, resolve }))
  }

  /** Puts an interceptor between the dictionary and each of the methods, in place of an earlier one. */
  intercept(methods: Method | readonly Method[], interceptor: Interceptor): void {
    for (const method of [methods].flat() as Method[]) this.#interceptors.set(method, interceptor)
  }

  /** The calls fail without effect. */
  failBefore(methods: Method | readonly Method[], error: unknown = lost()): void {
    this.intercept(methods, () => Promise.reject(error))
  }

  /** The calls take effect, but their answers are lost. */
  failAfter(methods: Method | readonly Method[], error: unknown = lost()): void {
    this.intercept(methods, async (proceed, ...args) => {
      await proceed(...args)
      throw error
    })
  }

  /** The calls are never answered, and have no effect, unless {@link FaultyBackend.heal} ends them. */
  hang(methods: Method | readonly Method[]): void {
    this.intercept(methods, () => this.#hold())
  }

  /** The calls take effect, but are never answered. */
  hangAfter(methods: Method | readonly Method[]): void {
    this.intercept(methods, async (proceed, ...args) => {
      await proceed(...args)
      return this.#hold()
    })
  }

  /** The calls are sent when `until` resolves. */
  delayBefore(methods: Method | readonly Method[], until: () => Promise<unknown>): void {
    this.intercept(methods, async (proceed, ...args) => {
      await until()
      return proceed(...args)
    })
  }

  /** The calls take effect, and are answered when `until` resolves. */
  delayAfter(methods: Method | readonly Method[], until: () => Promise<unknown>): void {
    this.intercept(methods, async (proceed, ...args) => {
      const answer = await proceed(...args)
      await until()
      return answer
    })
  }

  /** Ends all faults: later calls go through, those held up fail. */
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
  return new Error('The connection was lost (a fault made on purpose).')
}
