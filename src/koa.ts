import type { Readable } from 'node:stream'
import { isPromise } from './contract/is-promise.js'
import type { RequestScope, Sent } from './dictionary/request-scope.js'
import { FreshPerRequest } from './frameworks/fresh-per-request.js'
import type { Dictionaries, FreshPerRequestOptions } from './frameworks/types.js'

export type { Dictionaries, DictsOf, FreshPerRequestOptions, WithDicts } from './frameworks/types.js'

/** The members of Koa's context that this needs. */
export interface KoaContext {
  readonly req: object
  readonly res: Sent & { once(event: 'pipe', listener: (body: Readable) => void): unknown }
  readonly state: object
}

/** A middleware of Koa 2 and 3. */
export type KoaMiddleware = (context: KoaContext, next: () => Promise<unknown>) => Promise<unknown>

/**
 * A middleware for Koa. It brings the dictionaries up to date at the start of each request and provides an immutable
 * snapshot of each as `ctx.state.dicts`. Until the response is sent, `dict.current()` returns the same snapshot anywhere inside the
 * request.
 *
 * Every request sees a state that includes every write acknowledged, to any client, before the request arrived (linearizable). With
 * `maxStaleness`, the state may be older by at most that bound. A request never sees part of a change, not even of its own.
 *
 * A refused request throws `ServiceUnavailableError`, which Koa answers with 503 and `Retry-After`.
 *
 * @throws TypeError if an argument is not a dictionary, or for an invalid option.
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
      // Creates no promise, which each request would pay for.
      context.res.once('pipe', body => readWithin(scope, body))
      return scope.run(next)
    }
    const begun = fresh.begin(context.req, context.res, context)
    return isPromise(begun) ? begun.then(enter) : enter(begun)
  }
}

/** Koa pipes a stream body after all middleware has returned. The stream's source, such as a generator, would run outside the scope. */
function readWithin(scope: RequestScope, stream: Readable): void {
  const read = stream._read
  stream._read = size => scope.run(() => read.call(stream, size))
}
