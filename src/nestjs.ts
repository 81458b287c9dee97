import {
  createParamDecorator,
  type DynamicModule,
  type ExecutionContext,
  type FactoryProvider,
  Inject,
  Injectable,
  type MiddlewareConsumer,
  Module,
  type ModuleMetadata,
  type NestModule,
  type OnApplicationShutdown,
  type Provider,
  ServiceUnavailableException,
} from '@nestjs/common'
import { HttpAdapterHost } from '@nestjs/core'
import type { DurableDict } from './dictionary/durable-dict.js'
import type { ServiceUnavailableError } from './errors/errors.js'
import { checkDictionaries, checkSettings } from './frameworks/arguments.js'
import { middleware } from './frameworks/express-middleware.js'
import { addHooks, type FastifyHost } from './frameworks/fastify-hooks.js'
import { FreshPerRequest } from './frameworks/fresh-per-request.js'
import type { Dictionaries, FreshPerRequestOptions } from './frameworks/types.js'

export type { Dictionaries, DictsOf, FreshPerRequestOptions, WithDicts } from './frameworks/types.js'

type Fresh = FreshPerRequest<Dictionaries>

const OPENED = Symbol('the dictionaries of DurableDictModule.forRoot() or forRootAsync()')

/** The dictionaries by name, and whether the module closes them. */
interface Opened {
  readonly dictionaries: ReadonlyMap<string, AnyDict>
  readonly fresh: Fresh
  readonly owned: boolean
}

type AnyDict = Pick<DurableDict, 'close' | 'staleness' | 'sync'>

/** What `forRootAsync` takes. */
export interface DurableDictAsyncOptions<A extends Dictionaries = Dictionaries> extends FreshPerRequestOptions {
  /** Modules whose providers `inject` names, such as `TypeOrmModule.forFeature([Setting])`. */
  imports?: ModuleMetadata['imports'] | undefined
  /** The tokens of what `useFactory` takes. */
  // biome-ignore lint/suspicious/noExplicitAny: as Nest's own asynchronous modules have it.
  inject?: any[] | undefined
  /** Opens the dictionaries. The module closes them at the end. */
  // biome-ignore lint/suspicious/noExplicitAny: as Nest's own asynchronous modules have it.
  useFactory: (...injected: any[]) => A | Promise<A>
}

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
export class DurableDictModule implements NestModule, OnApplicationShutdown {
  readonly #opened: Opened
  readonly #host: HttpAdapterHost

  constructor(opened: Opened, host: HttpAdapterHost) {
    this.#opened = opened
    this.#host = host
  }

  /**
   * The module for dictionaries that are open already, to be imported once, by the application's root module. They are yours
   * to close.
   *
   * @throws TypeError for what is no dictionary, and for a wrong option.
   * @example
   * DurableDictModule.forRoot({ settings: await SqliteDict.open('settings', './app.db') })
   */
  static forRoot<const A extends Dictionaries>(dictionaries: A, options?: FreshPerRequestOptions): DynamicModule {
    const opened = openedOf(dictionaries, options, 'DurableDictModule.forRoot()', false)
    const features = featuresOf([...opened.dictionaries.keys()])
    return moduleOf({ provide: OPENED, useValue: opened }, { providers: features, exports: features })
  }

  /**
   * The module for dictionaries that are opened when the application starts, by what `inject` names; closed when it ends.
   * To be imported once, by the application's root module.
   *
   * @example
   * DurableDictModule.forRootAsync({
   *   imports: [TypeOrmModule.forFeature([Setting])],
   *   inject: [getRepositoryToken(Setting)],
   *   useFactory: async (settings: Repository<Setting>) => ({ settings: await ModelDict.open(settings) }),
   * })
   */
  static forRootAsync<const A extends Dictionaries>(options: DurableDictAsyncOptions<A>): DynamicModule {
    const { imports = [], inject = [], useFactory, ...perRequest } = options
    const call = 'DurableDictModule.forRootAsync()'
    // Before anything is opened.
    checkSettings(perRequest, call)
    const open = async (...injected: unknown[]) => openedOf(await useFactory(...injected), perRequest, call, true)
    return moduleOf({ provide: OPENED, inject, useFactory: open }, { imports })
  }

  /**
   * Makes these dictionaries of the root module injectable, by {@link InjectDict}, into the module that imports it.
   *
   * @example
   * DurableDictModule.forFeature('settings', 'flags')
   */
  static forFeature(...names: string[]): DynamicModule {
    const features = featuresOf(names)
    return { module: DurableDictFeature, providers: features, exports: features }
  }

  configure(consumer: MiddlewareConsumer): void {
    const { httpAdapter } = this.#host
    // An application without HTTP, such as a worker of a queue, has none.
    if (!httpAdapter) return
    const { fresh } = this.#opened
    if (httpAdapter.getType() === 'fastify') addHooks(httpAdapter.getInstance<FastifyHost>(), fresh, toException)
    else consumer.apply(middleware(fresh, toException)).forRoutes('{*path}')
  }

  /** After the server has answered its last request. */
  async onApplicationShutdown(): Promise<void> {
    if (!this.#opened.owned) return
    await Promise.all([...this.#opened.dictionaries.values()].map(dict => dict.close()))
  }
}

/** A module of no content: what `forFeature` returns has its providers. */
class DurableDictFeature {}

/** A dictionary's health, as Terminus has it. */
export type DictHealth = Record<string, { status: 'up'; staleness: number } | { status: 'down'; code: string }>

/**
 * A health indicator for Terminus 11 or later, provided by the module: `health.check([() => dicts.isHealthy('settings')])`.
 * A dictionary is up when it can be confirmed current within its `timeout`.
 */
export class DurableDictHealth {
  readonly #opened: Opened

  constructor(opened: Opened) {
    this.#opened = opened
  }

  /** Never rejects for a store that is down. @throws TypeError when there is no dictionary of that name. */
  async isHealthy(name: string): Promise<DictHealth> {
    const dict = find(this.#opened, name, 'DurableDictHealth.isHealthy()')
    try {
      await dict.sync()
      return { [name]: { status: 'up', staleness: dict.staleness } }
    } catch (error) {
      return { [name]: { status: 'down', code: (error as { code?: string }).code ?? 'UNKNOWN' } }
    }
  }
}

// What the decorators of a class would do, which is no syntax of JavaScript yet.
Inject(OPENED)(DurableDictModule, undefined, 0)
Inject(HttpAdapterHost)(DurableDictModule, undefined, 1)
Module({})(DurableDictModule)
Module({})(DurableDictFeature)
Inject(OPENED)(DurableDictHealth, undefined, 0)
Injectable()(DurableDictHealth)

/** The token under which a dictionary is provided, for tests that put another in its place: `overrideProvider(dictToken('settings'))`. */
export function dictToken(name: string): string {
  return `durabledict ${name}`
}

/** A dictionary, as a parameter of a constructor: `constructor(@InjectDict('settings') settings: RedisDict<Settings>)`. */
export function InjectDict(name: string): ParameterDecorator & PropertyDecorator {
  return Inject(dictToken(name))
}

function moduleOf(opened: Provider, parts: Partial<DynamicModule>): DynamicModule {
  const { imports = [], providers = [], exports = [] } = parts
  return {
    module: DurableDictModule,
    // What forFeature returns finds the dictionaries from every module.
    global: true,
    imports,
    providers: [opened, DurableDictHealth, ...providers],
    exports: [OPENED, DurableDictHealth, ...exports],
  }
}

function openedOf(
  dictionaries: Dictionaries,
  options: FreshPerRequestOptions | undefined,
  call: string,
  owned: boolean,
): Opened {
  const fresh = new FreshPerRequest(dictionaries, options, call)
  const named = checkDictionaries(dictionaries, call)
  return { fresh, owned, dictionaries: new Map(named.map(({ name, dictionary }) => [name, dictionary as AnyDict])) }
}

function featuresOf(names: readonly string[]): FactoryProvider[] {
  return names.map(name => ({
    provide: dictToken(name),
    inject: [OPENED],
    useFactory: (opened: Opened) => find(opened, name, `DurableDictModule.forFeature("${name}")`),
  }))
}

/** @throws TypeError when there is none of that name. */
function find({ dictionaries }: Opened, name: string, call: string): AnyDict {
  const dict = dictionaries.get(name)
  if (dict) return dict
  throw new TypeError(`${call}: there is no such dictionary; there are ${[...dictionaries.keys()].join(', ')}.`)
}

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
