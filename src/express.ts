import { type ExpressMiddleware, middleware } from './frameworks/express-middleware.js'
import { FreshPerRequest } from './frameworks/fresh-per-request.js'
import type { Dictionaries, FreshPerRequestOptions } from './frameworks/types.js'

export type { ExpressMiddleware, ExpressResponse } from './frameworks/express-middleware.js'
export type { Dictionaries, DictsOf, FreshPerRequestOptions, WithDicts } from './frameworks/types.js'

/**
 * A middleware for Express: brings the dictionaries up to date at the start of each request, gives the request an immutable
 * snapshot of each as `req.dicts`, and makes `dict.current()` give the same one anywhere below, until the response was sent.
 *
 * Every request sees a state no older than the newest write acknowledged, to anyone, before it came (linearizable), or with
 * `maxStaleness` no older than that. A request never sees a change halfway through, not even one of its own.
 *
 * A request that is refused goes to the error handlers as `ServiceUnavailableError`, with `status` 503, and its response has
 * `Retry-After` already.
 *
 * @throws TypeError for what is no dictionary, and for a wrong option.
 *
 * @example
 * app.use(freshPerRequest({ settings }))
 * app.get('/', (request, response) => response.send(request.dicts.settings.get('theme')))
 */
export function freshPerRequest<const A extends Dictionaries>(
  dictionaries: A,
  options?: FreshPerRequestOptions,
): ExpressMiddleware {
  return middleware(new FreshPerRequest(dictionaries, options))
}
