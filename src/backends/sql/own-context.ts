import { AsyncResource } from 'node:async_hooks'

/** Made when the library is loaded, which is outside any request or transaction of the application. */
const resource = new AsyncResource('durabledict-model', { requireManualDestroy: true })

/**
 * Runs the function, and all that it starts, in an async context of the library's own. Libraries and applications keep "the present
 * transaction" in `AsyncLocalStorage`: work for a dictionary must not become a part of it, even if the dictionary was opened there.
 */
export function inOwnContext<V>(work: () => V): V {
  return resource.runInAsyncScope(work)
}

/** Runs a function in the async context in which `callerContext` was called. */
export type RunInContext = <V>(work: () => V) => V

/** The present async context. */
export function callerContext(): RunInContext {
  const caller = new AsyncResource('durabledict-caller', { requireManualDestroy: true })
  return work => caller.runInAsyncScope(work)
}
