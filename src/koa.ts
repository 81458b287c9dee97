import type { Readable } from 'node:stream'
import { isPromise } from './contract/is-promise.js'
import type { RequestScope, Sent } from './dictionary/request-scope.js'
import { FreshPerRequest } from './frameworks/fresh-per-request.js'
import type { Dictionaries, FreshPerRequestOptions } from './frameworks/types.js'

export type { Dictionaries, DictsOf, FreshPerRequestOptions, WithDicts } from './frameworks/types.js'

/** What is needed of Koa's context. */
export interface KoaContext {
  readonly req: object
  readonly res: Sent & { once(event: 'pipe', listener: (body: Readable) => void): unknown }
  readonly state: object
}

/** A middleware of Koa 2 and 3. */
export type KoaMiddleware = (context: KoaContext, next: () => Promise<unknown>) => Promise<unknown>

/**
 * A middleware for Koa: brings the dictionaries up to date at the start of each request, gives the request an immutable
 * snapshot of each as `ctx.state.dicts`, and makes `dict.current()` give the same one anywhere below, until the response was
 * sent.
 *
 * Every request sees a state no older than the newest write acknowledged, to anyone, before it came (linearizable), or with
 * `maxStaleness` no older than that. A request never sees a change halfway through, not even one of its own.
 *
 * A request that is refused throws `ServiceUnavailableError`, which Koa answers with 503 and `Retry-After`.
 *
 * @throws TypeError for what is no dictionary, and for a wrong option.
 *
 * @example
 * app.use(freshPerRequest({ settings }))
 * app.use(context => {
 *   context.body = context.state.dicts.settings.get('theme')
 * })
 */
export function freshPerRequest<const A extends Dictionaries>(
  dictionaries: A,
  options?: FreshPerRequestOptions,
): KoaMiddleware {
  const fresh = new FreshPerRequest(dictionaries, options)
  return (context, next) => {
    const enter = (scope: RequestScope) => {
      Object.assign(context.state, { dicts: scope.dicts })
      // No promise of its own, which each request would pay for.
      context.res.once('pipe', body => readWithin(scope, body))
      return scope.run(next)
    }
    const begun = fresh.begin(context.req, context.res)
    return isPromise(begun) ? begun.then(enter) : enter(begun)
  }
}

/** Koa sends a body that is a stream once all middleware has returned: what feeds it, such as a generator, would find no scope there. */
function readWithin(scope: RequestScope, stream: Readable): void {
  const read = stream._read
  stream._read = size => scope.run(() => read.call(stream, size))
}
