import { AsyncResource } from 'node:async_hooks'
import { outsideRequests } from './request-scope.js'

/**
 * The async context in which a dictionary was opened, without the request scope around it. Calls on the store and listeners run in
 * it, whoever causes them: a caller's context may hold a transaction, which a call on the store would join, or a request, whose
 * snapshot a listener would see.
 *
 * `AsyncResource`, not `AsyncLocalStorage.snapshot()`: the same, at a fifth of the price of each entry.
 */
export class StoreContext {
  readonly #resource = outsideRequests(() => new AsyncResource('durabledict', { requireManualDestroy: true }))

  /** Runs the function, and all that it starts, in this context. */
  run<V>(work: () => V): V {
    return this.#resource.runInAsyncScope(work)
  }
}
