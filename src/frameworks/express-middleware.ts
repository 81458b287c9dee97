import { isPromise } from '../contract/is-promise.js'
import type { RequestScope } from '../dictionary/request-scope.js'
import type { ServiceUnavailableError } from '../errors/errors.js'
import type { FreshPerRequest } from './fresh-per-request.js'
import type { Dictionaries } from './types.js'

/** What is needed of Express' response. */
export interface ExpressResponse {
  readonly writableFinished: boolean
  setHeader(name: string, value: string): unknown
}

/** A middleware of Express 4 and 5, and of whatever takes the like. */
export type ExpressMiddleware = (request: object, response: ExpressResponse, next: (error?: unknown) => void) => void

/** @param toError - what the error handlers are given for a refusal. */
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
