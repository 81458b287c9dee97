import { type ExpressHandler, expressOf } from './console/adapters/express.js'
import { type FastifyConsole, fastifyOf } from './console/adapters/fastify.js'
import { type HonoHandler, honoOf } from './console/adapters/hono.js'
import { type KoaHandler, koaOf } from './console/adapters/koa.js'
import { handlerOf } from './console/handler.js'
import { type ConsoleOptions, checkConsoleOptions } from './console/options.js'

export type { ExpressHandler } from './console/adapters/express.js'
export type { FastifyConsole } from './console/adapters/fastify.js'
export type { HonoHandler } from './console/adapters/hono.js'
export type { KoaHandler } from './console/adapters/koa.js'
export type { Authorize, ConsoleAction, ConsoleOptions, ConsoleUser } from './console/options.js'

/** An open dictionary, of any types. */
interface AnyDictionary {
  readonly name: string
  current(): object
}

/** A handler of web requests, with an adapter for each framework. */
export interface Console {
  /**
   * Answers a request. The console works below any path: its addresses are relative, and only the end of the path counts.
   *
   * @param context - passed to `authorize`. Default: none.
   */
  (request: Request, context?: unknown): Promise<Response>
  /**
   * The middleware for Express 4 and 5.
   *
   * @example
   * app.use('/admin/settings', settingsConsole.express())
   */
  express(): ExpressHandler
  /**
   * The middleware for NestJS, on Express and on Fastify.
   *
   * @example
   * app.use('/admin/settings', settingsConsole.nestjs())
   */
  nestjs(): ExpressHandler
  /**
   * The plugin for Fastify 5.
   *
   * @example
   * app.register(settingsConsole.fastify(), { prefix: '/admin/settings' })
   */
  fastify(): FastifyConsole
  /**
   * The middleware for Koa 2 and 3.
   *
   * @param path - it answers requests below this path, and passes on all others. Default: it answers all.
   * @example
   * app.use(settingsConsole.koa('/admin/settings'))
   */
  koa(path?: string): KoaHandler
  /**
   * The handler for Hono 4.
   *
   * @example
   * app.all('/admin/settings/*', settingsConsole.hono())
   */
  hono(): HonoHandler
  /**
   * Ends the streams of events of open pages, and opens no more: an HTTP server waits for them when it closes. Closing the dictionary
   * does the same, and so does a Fastify application that closes.
   *
   * @example
   * settingsConsole.close()
   * server.close()
   */
  close(): void
}

/**
 * A console for a dictionary: a page to browse, search and edit it, with its history and its replicas, and the handler that serves it.
 * Every change is conditional on the value that was shown (compare-and-set), and is recorded with the user as `by`.
 *
 * @param dictionary - an open one. Open it with `live`, so that the page follows changes at once; otherwise it is checked each second
 * while a page is open.
 * @throws TypeError without `authorize`, for an invalid option, or if the first argument is not an open dictionary.
 *
 * @example
 * const settingsConsole = createConsole(settings, {
 *   authorize: (request, context) => context.user?.isAdmin && { user: context.user.email },
 *   mask: [/token|password/i],
 * })
 * app.use('/admin/settings', settingsConsole.express())
 */
export function createConsole(dictionary: AnyDictionary, options: ConsoleOptions): Console {
  const handle = handlerOf(dictionary, checkConsoleOptions(options))
  return Object.assign((request: Request, context?: unknown) => handle(request, context), {
    express: () => expressOf(handle),
    nestjs: () => expressOf(handle),
    fastify: () => fastifyOf(handle, handle.close),
    koa: (path?: string) => koaOf(handle, path),
    hono: () => honoOf(handle),
    close: handle.close,
  })
}
