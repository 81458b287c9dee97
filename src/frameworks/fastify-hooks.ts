import { isPromise } from '../contract/is-promise.js'
import type { RequestScope, Sent } from '../dictionary/request-scope.js'
import type { ServiceUnavailableError } from '../errors/errors.js'
import type { FreshPerRequest } from './fresh-per-request.js'
import type { Dictionaries } from './types.js'

type Done = (error?: Error) => void

interface FastifyRequest {
  readonly raw: object
}

interface FastifyReply {
  readonly raw: Sent
  header(name: string, value: string): unknown
}

/** The members of Fastify's instance that are used. */
export interface FastifyHost {
  hasRequestDecorator(name: string | symbol): boolean
  decorateRequest(name: string | symbol, value: null): unknown
  addHook(name: 'onRequest' | 'preValidation', hook: (request: never, reply: never, done: Done) => void): unknown
  addHook(name: 'onError', hook: (request: never, reply: never, error: never, done: () => void) => void): unknown
}

/** Where a request keeps its scope between hooks. */
const SCOPE = Symbol('durabledict')

interface Decorated {
  dicts: unknown
  [SCOPE]: RequestScope | null
}

/**
 * Confirms the dictionaries before anything else happens to a request. The body arrives in events of the connection, outside the
 * request's scope. The hooks therefore enter the scope again after the body was read, and before an error is handled.
 *
 * @param toError - creates the error that the error handler gets for a refused request.
 */
export function addHooks(
  instance: FastifyHost,
  fresh: FreshPerRequest<Dictionaries>,
  toError: (refusal: ServiceUnavailableError) => Error = refusal => refusal,
): void {
  for (const name of ['dicts', SCOPE]) {
    if (!instance.hasRequestDecorator(name)) instance.decorateRequest(name, null)
  }
  instance.addHook('onRequest', (request: FastifyRequest, reply: FastifyReply, done: Done) => {
    const enter = (scope: RequestScope) => {
      Object.assign(request, { dicts: scope.dicts, [SCOPE]: scope } satisfies Decorated)
      scope.run(done)
    }
    const refuse = (refusal: ServiceUnavailableError) => {
      for (const [name, value] of Object.entries(refusal.headers)) reply.header(name, value)
      done(toError(refusal))
    }
    const begun = fresh.begin(request.raw, reply.raw, request)
    if (isPromise(begun)) begun.then(enter, refuse)
    else enter(begun)
  })
  instance.addHook('preValidation', (request: Decorated, _reply: unknown, done: Done) => enterAnew(request, done))
  instance.addHook('onError', (request: Decorated, _reply: unknown, _error: unknown, done: Done) =>
    enterAnew(request, done),
  )
}

function enterAnew(request: Decorated, done: Done): void {
  const scope = request[SCOPE]
  if (scope) scope.run(done)
  else done()
}
