import { isPromise } from '../contract/is-promise.js'
import type { RequestScope } from '../dictionary/request-scope.js'
import type { ServiceUnavailableError } from '../errors/errors.js'
import type { FreshPerRequest } from './fresh-per-request.js'
import type { Dictionaries } from './types.js'

/** The members of Express' response that are used. */
export interface ExpressResponse {
  readonly writableFinished: boolean
  setHeader(name: string, value: string): unknown
}

/** A middleware of Express 4 and 5, and of frameworks with the same signature. */
export type ExpressMiddleware = (request: object, response: ExpressResponse, next: (error?: unknown) => void) => void

/** @param toError - creates the error that the error handlers get for a refused request. */
export function middleware(
  fresh: FreshPerRequest<Dictionaries>,
  toError: (refusal: ServiceUnavailableError) => Error = refusal => refusal,
): ExpressMiddleware {
  return (request, response, next) => {
    const enter = (scope: RequestScope) => {
      Object.assign(request, { dicts: scope.dicts })
      scope.run(() => next())
    }
    const refuse = (refusal: ServiceUnavailableError) => {
      for (const [name, value] of Object.entries(refusal.headers)) response.setHeader(name, value)
      next(toError(refusal))
    }
    const begun = fresh.begin(request, response)
    if (isPromise(begun)) begun.then(enter, refuse)
    else enter(begun)
  }
}
