import {
  createParamDecorator,
  type DynamicModule,
  type ExecutionContext,
  Inject,
  type MiddlewareConsumer,
  Module,
  type NestModule,
  ServiceUnavailableException,
} from '@nestjs/common'
import { HttpAdapterHost } from '@nestjs/core'
import type { ServiceUnavailableError } from './errors/errors.js'
import { middleware } from './web/express-middleware.js'
import { addHooks, type FastifyHost } from './web/fastify-hooks.js'
import { FreshPerRequest } from './web/fresh-per-request.js'
import type { Dictionaries, FreshPerRequestOptions } from './web/types.js'

export type { Dictionaries, DictsOf, FreshPerRequestOptions, WithDicts } from './web/types.js'

type Fresh = FreshPerRequest<Dictionaries>

const FRESH = Symbol('durabledict')

/**
 * A module for NestJS, on Express and on Fastify: brings the dictionaries up to date at the start of each request, gives the
 * request an immutable snapshot of each, for the parameter decorator {@link Dicts}, and makes `dict.current()` give the same
 * one anywhere below, until the response was sent: in guards, pipes, interceptors, controllers, services and filters.
 *
 * Every request sees a state no older than the newest write acknowledged, to anyone, before it came (linearizable), or with
 * `maxStaleness` no older than that. A request never sees a change halfway through, not even one of its own.
 *
 * A request that is refused goes to the exception filters as `ServiceUnavailableException`, whose `cause` is a
 * `ServiceUnavailableError`; its response has `Retry-After` already.
 */
export class DurableDictModule implements NestModule {
  readonly #fresh: Fresh
  readonly #host: HttpAdapterHost

  constructor(fresh: Fresh, host: HttpAdapterHost) {
    this.#fresh = fresh
    this.#host = host
  }

  /**
   * The module for these dictionaries, to be imported once, by the application's root module.
   *
   * @throws TypeError for what is no dictionary, and for a wrong option.
   */
  static forRoot<const A extends Dictionaries>(dictionaries: A, options?: FreshPerRequestOptions): DynamicModule {
    const fresh = new FreshPerRequest(dictionaries, options, 'DurableDictModule.forRoot()')
    return { module: DurableDictModule, providers: [{ provide: FRESH, useValue: fresh }] }
  }

  configure(consumer: MiddlewareConsumer): void {
    const { httpAdapter } = this.#host
    if (httpAdapter.getType() === 'fastify') addHooks(httpAdapter.getInstance<FastifyHost>(), this.#fresh, toException)
    else consumer.apply(middleware(this.#fresh, toException)).forRoutes('{*path}')
  }
}

// What the decorators of a class would do, which is no syntax of JavaScript yet.
Inject(FRESH)(DurableDictModule, undefined, 0)
Inject(HttpAdapterHost)(DurableDictModule, undefined, 1)
Module({})(DurableDictModule)

/** The request's snapshots, or the one of that name, as a parameter of a handler: `@Dicts() dicts: DictsOf<typeof dictionaries>`. */
export const Dicts: (name?: string) => ParameterDecorator = createParamDecorator(
  (name: string | undefined, context: ExecutionContext) => {
    const { dicts } = context.switchToHttp().getRequest<{ dicts?: Readonly<Record<string, unknown>> }>()
    if (!dicts) throw new TypeError('@Dicts() needs DurableDictModule.forRoot() among the imports of the root module.')
    if (name === undefined) return dicts
    if (Object.hasOwn(dicts, name)) return dicts[name]
    throw new TypeError(`@Dicts("${name}"): there is no such dictionary; there are ${Object.keys(dicts).join(', ')}.`)
  },
)

function toException(cause: ServiceUnavailableError): ServiceUnavailableException {
  return new ServiceUnavailableException(cause.message, { cause, description: 'Service Unavailable' })
}
