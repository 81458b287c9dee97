import { type ExpressMiddleware, middleware } from './frameworks/express-middleware.js'
import { FreshPerRequest } from './frameworks/fresh-per-request.js'
import type { Dictionaries, FreshPerRequestOptions } from './frameworks/types.js'

export type { ExpressMiddleware, ExpressResponse } from './frameworks/express-middleware.js'
export type { Dictionaries, DictsOf, FreshPerRequestOptions, WithDicts } from './frameworks/types.js'

/**
 * A middleware for Express. It brings the dictionaries up to date at the start of each request and provides an immutable
 * snapshot of each as `req.dicts`. Until the response is sent, `dict.current()` returns the same snapshot anywhere inside the request.
 *
 * Every request sees a state that includes every write acknowledged, to any client, before the request arrived (linearizable). With
 * `maxStaleness`, the state may be older by at most that bound. A request never sees part of a change, not even of its own.
 *
 * A refused request goes to the error handlers as `ServiceUnavailableError`, with `status` 503. Its response already has
 * `Retry-After`.
 *
 * @throws TypeError if an argument is not a dictionary, or for an invalid option.
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
