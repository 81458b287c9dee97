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

/** Options of `forRootAsync`. */
export interface DurableDictAsyncOptions<A extends Dictionaries = Dictionaries> extends FreshPerRequestOptions {
  /** Modules that provide what `inject` names, such as `TypeOrmModule.forFeature([Setting])`. */
  imports?: ModuleMetadata['imports'] | undefined
  /** The tokens of the arguments of `useFactory`. */
  // biome-ignore lint/suspicious/noExplicitAny: as in Nest's own asynchronous modules.
  inject?: any[] | undefined
  /** Opens the dictionaries. The module closes them on shutdown. */
  // biome-ignore lint/suspicious/noExplicitAny: as in Nest's own asynchronous modules.
  useFactory: (...injected: any[]) => A | Promise<A>
}

/**
 * A module for NestJS, on Express and on Fastify. It brings the dictionaries up to date at the start of each request and provides an
 * immutable snapshot of each through the parameter decorator {@link Dicts}. Until the response is sent, `dict.current()` returns the
 * same snapshot in guards, pipes, interceptors, controllers, services and filters.
 *
 * Every request sees a state that includes every write acknowledged, to any client, before the request arrived (linearizable). With
 * `maxStaleness`, the state may be older by at most that bound. A request never sees part of a change, not even of its own.
 *
 * A refused request goes to the exception filters as `ServiceUnavailableException`, whose `cause` is a
 * `ServiceUnavailableError`. Its response already has `Retry-After`.
 */
export class DurableDictModule implements NestModule, OnApplicationShutdown {
  readonly #opened: Opened
  readonly #host: HttpAdapterHost

  constructor(opened: Opened, host: HttpAdapterHost) {
    this.#opened = opened
    this.#host = host
  }

  /**
   * The module for dictionaries that are already open. Import it once, in the application's root module. You close the
   * dictionaries.
   *
   * @throws TypeError if an argument is not a dictionary, or for an invalid option.
   * @example
   * DurableDictModule.forRoot({ settings: await SqliteDict.open('settings', './app.db') })
   */
  static forRoot<const A extends Dictionaries>(dictionaries: A, options?: FreshPerRequestOptions): DynamicModule {
    const opened = openedOf(dictionaries, options, 'DurableDictModule.forRoot()', false)
    const features = featuresOf([...opened.dictionaries.keys()])
    return moduleOf({ provide: OPENED, useValue: opened }, { providers: features, exports: features })
  }

  /**
   * The module for dictionaries that are opened when the application starts, with dependencies that `inject` names. The module closes
   * them on shutdown. Import it once, in the application's root module.
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
    // Checked before anything is opened.
    checkSettings(perRequest, call)
    const open = async (...injected: unknown[]) => openedOf(await useFactory(...injected), perRequest, call, true)
    return moduleOf({ provide: OPENED, inject, useFactory: open }, { imports })
  }

  /**
   * Makes these dictionaries of the root module injectable, with {@link InjectDict}, in the module that imports it.
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
    // An application without HTTP, such as a queue worker, has no adapter.
    if (!httpAdapter) return
    const { fresh } = this.#opened
    if (httpAdapter.getType() === 'fastify') addHooks(httpAdapter.getInstance<FastifyHost>(), fresh, toException)
    else consumer.apply(middleware(fresh, toException)).forRoutes('{*path}')
  }

  /** Runs after the server has answered its last request. */
  async onApplicationShutdown(): Promise<void> {
    if (!this.#opened.owned) return
    await Promise.all([...this.#opened.dictionaries.values()].map(dict => dict.close()))
  }
}

/** An empty module: `forFeature` returns it with its providers. */
class DurableDictFeature {}

/** A dictionary's health, in the format of Terminus. */
export type DictHealth = Record<string, { status: 'up'; staleness: number } | { status: 'down'; code: string }>

/**
 * A health indicator for Terminus 11 or later, which the module provides: `health.check([() => dicts.isHealthy('settings')])`.
 * A dictionary is up if it can be confirmed current within its `timeout`.
 */
export class DurableDictHealth {
  readonly #opened: Opened

  constructor(opened: Opened) {
    this.#opened = opened
  }

  /** Never rejects because a store is down. @throws TypeError if there is no dictionary of that name. */
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

// Does the work of class decorators, which are not JavaScript syntax yet.
Inject(OPENED)(DurableDictModule, undefined, 0)
Inject(HttpAdapterHost)(DurableDictModule, undefined, 1)
Module({})(DurableDictModule)
Module({})(DurableDictFeature)
Inject(OPENED)(DurableDictHealth, undefined, 0)
Injectable()(DurableDictHealth)

/** Returns the token of a dictionary's provider, for tests that replace the dictionary: `overrideProvider(dictToken('settings'))`. */
export function dictToken(name: string): string {
  return `durabledict ${name}`
}

/** Injects a dictionary into a constructor parameter: `constructor(@InjectDict('settings') settings: RedisDict<Settings>)`. */
export function InjectDict(name: string): ParameterDecorator & PropertyDecorator {
  return Inject(dictToken(name))
}

function moduleOf(opened: Provider, parts: Partial<DynamicModule>): DynamicModule {
  const { imports = [], providers = [], exports = [] } = parts
  return {
    module: DurableDictModule,
    // forFeature() needs the dictionaries in every module.
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

/** @throws TypeError if there is no dictionary of that name. */
function find({ dictionaries }: Opened, name: string, call: string): AnyDict {
  const dict = dictionaries.get(name)
  if (dict) return dict
  throw new TypeError(`${call}: there is no such dictionary; there are ${[...dictionaries.keys()].join(', ')}.`)
}

/** The request's snapshots, or the one of that name, as a handler's parameter: `@Dicts() dicts: DictsOf<typeof dictionaries>`. */
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
