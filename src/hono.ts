import type { MiddlewareHandler } from 'hono'
import { HTTPException } from 'hono/http-exception'
import { isPromise } from './contract/is-promise.js'
import type { RequestScope, Sent } from './dictionary/request-scope.js'
import { ServiceUnavailableError } from './errors/errors.js'
import { FreshPerRequest } from './frameworks/fresh-per-request.js'
import type { Dictionaries, DictsOf, FreshPerRequestOptions, WithDicts } from './frameworks/types.js'

export type { Dictionaries, DictsOf, FreshPerRequestOptions, WithDicts } from './frameworks/types.js'

/**
 * A middleware for Hono. It brings the dictionaries up to date at the start of each request and provides an immutable
 * snapshot of each as `c.var.dicts`. Anywhere inside the request, `dict.current()` returns the same snapshot; on Node, until the
 * response is sent.
 *
 * Every request sees a state that includes every write acknowledged, to any client, before the request arrived (linearizable). With
 * `maxStaleness`, the state may be older by at most that bound. A request never sees part of a change, not even of its own.
 *
 * A refused request throws Hono's `HTTPException` with 503 and `Retry-After`. Its `cause` is a
 * `ServiceUnavailableError`.
 *
 * @throws TypeError if an argument is not a dictionary, or for an invalid option.
 *
 * @example
 * app.use(freshPerRequest({ settings }))
 * app.get('/', context => context.text(context.var.dicts.settings.get('theme')))
 */
export function freshPerRequest<const A extends Dictionaries>(
  dictionaries: A,
  options?: FreshPerRequestOptions,
): MiddlewareHandler<{ Variables: WithDicts<A> }> {
  const fresh = new FreshPerRequest(dictionaries, options)
  return (context, next) => {
    // Creates no promise: at Hono's request rates, each one counts.
    const enter = (scope: RequestScope<DictsOf<A>>) => {
      context.set('dicts', scope.dicts)
      return scope.run(next)
    }
    const begun = fresh.begin(context.req.raw, outgoing(context.env), context)
    return isPromise(begun) ? begun.then(enter, refuse) : enter(begun)
  }
}

/** Returns Node's response if Hono runs on Node. */
function outgoing(env: unknown): Sent | undefined {
  return (env as { outgoing?: Sent } | undefined)?.outgoing
}

function refuse(cause: unknown): never {
  if (!(cause instanceof ServiceUnavailableError)) throw cause
  const { headers, message, status } = cause
  const res = new Response('Service Unavailable', { status, headers })
  // Early releases of Hono 4 ignore the option `cause` of the constructor.
  throw Object.assign(new HTTPException(status, { message, res }), { cause })
}
