import type { MiddlewareHandler } from 'hono'
import { HTTPException } from 'hono/http-exception'
import { isPromise } from './contract/is-promise.js'
import type { RequestScope, Sent } from './dictionary/request-scope.js'
import { ServiceUnavailableError } from './errors/errors.js'
import { FreshPerRequest } from './frameworks/fresh-per-request.js'
import type { Dictionaries, DictsOf, FreshPerRequestOptions, WithDicts } from './frameworks/types.js'

export type { Dictionaries, DictsOf, FreshPerRequestOptions, WithDicts } from './frameworks/types.js'

/**
 * A middleware for Hono: brings the dictionaries up to date at the start of each request, gives the request an immutable
 * snapshot of each as `c.var.dicts`, and makes `dict.current()` give the same one anywhere below; on Node, until the response
 * was sent.
 *
 * Every request sees a state no older than the newest write acknowledged, to anyone, before it came (linearizable), or with
 * `maxStaleness` no older than that. A request never sees a change halfway through, not even one of its own.
 *
 * A request that is refused throws Hono's `HTTPException`, with 503 and `Retry-After`; its `cause` is a
 * `ServiceUnavailableError`.
 *
 * @throws TypeError for what is no dictionary, and for a wrong option.
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
    // No promise of its own: at the rate of Hono's requests each one counts.
    const enter = (scope: RequestScope<DictsOf<A>>) => {
      context.set('dicts', scope.dicts)
      return scope.run(next)
    }
    const begun = fresh.begin(context.req.raw, outgoing(context.env))
    return isPromise(begun) ? begun.then(enter, refuse) : enter(begun)
  }
}

/** Node's response, where Hono runs on Node. */
function outgoing(env: unknown): Sent | undefined {
  return (env as { outgoing?: Sent } | undefined)?.outgoing
}

function refuse(cause: unknown): never {
  if (!(cause instanceof ServiceUnavailableError)) throw cause
  const { headers, message, status } = cause
  const res = new Response('Service Unavailable', { status, headers })
  // The constructor of early releases of Hono 4 ignores a cause.
  throw Object.assign(new HTTPException(status, { message, res }), { cause })
}
