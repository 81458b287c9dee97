import { AsyncResource } from 'node:async_hooks'
import { outsideRequests } from './request-scope.js'

/**
 * The async context in which a dictionary was opened, outside the request scope around it. Store calls and listeners run in it,
 * whichever call causes them. A caller's context may hold a transaction, which a store call would join, or a request, whose
 * snapshot a listener would see.
 *
 * It uses `AsyncResource`, which does the same as `AsyncLocalStorage.snapshot()` at a fifth of the cost.
 */
export class StoreContext {
  readonly #resource = outsideRequests(() => new AsyncResource('durabledict', { requireManualDestroy: true }))

  /** Runs the function, and everything that it starts, in this context. */
  run<V>(work: () => V): V {
    return this.#resource.runInAsyncScope(work)
  }
}
