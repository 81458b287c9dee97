import 'reflect-metadata'
import { Readable } from 'node:stream'
import {
  All,
  type ArgumentsHost,
  Body,
  Catch,
  Controller,
  type ExceptionFilter,
  type INestApplication,
  Module,
  StreamableFile,
} from '@nestjs/common'
import { HttpAdapterHost, NestFactory } from '@nestjs/core'
import { ExpressAdapter } from '@nestjs/platform-express'
import { FastifyAdapter } from '@nestjs/platform-fastify'
import { Dicts as DictsParameter, DurableDictModule } from '../../../src/nestjs.js'
import { type Dicts, type Framework, isStream, type Page, type Site, served } from './site.js'

type Platform = 'express' | 'fastify'

export const onNestExpress: Framework = { name: 'NestJS on Express', serve: site => serve('express', site) }
export const onNestFastify: Framework = { name: 'NestJS on Fastify', serve: site => serve('fastify', site) }

async function serve(platform: Platform, site: Site) {
  const controllers = Object.entries(site.pages).map(([path, page]) => controller(path, page))
  const root = class {}
  Module({ imports: [DurableDictModule.forRoot(site.dictionaries, site.options)], controllers })(root)
  const app = await create(platform, root)
  const { onArrival, onError } = site
  if (onError) app.useGlobalFilters(filter(app, onError))
  if (onArrival && platform === 'express') {
    app.use((_request: unknown, _response: unknown, next: () => void) => {
      onArrival()
      next()
    })
  } else if (onArrival) {
    const fastify = app.getHttpAdapter().getInstance()
    fastify.addHook('onRequest', (_request: unknown, _reply: unknown, done: () => void) => {
      onArrival()
      done()
    })
  }
  await app.listen(0, '127.0.0.1')
  return served(app.getHttpServer(), () => app.close())
}

function create(platform: Platform, root: object): Promise<INestApplication> {
  const adapter = platform === 'express' ? new ExpressAdapter() : new FastifyAdapter()
  return NestFactory.create(root, adapter, { logger: false, abortOnError: false })
}

/** What decorators would make of a class with one handler. */
function controller(path: string, page: Page): new () => object {
  class PageController {
    async show(dicts: Dicts, body: unknown): Promise<unknown> {
      const result = await page(dicts, body)
      return isStream(result) ? new StreamableFile(Readable.from(result, { objectMode: false })) : result
    }
  }
  const descriptor = Object.getOwnPropertyDescriptor(PageController.prototype, 'show') as PropertyDescriptor
  DictsParameter()(PageController.prototype, 'show', 0)
  Body()(PageController.prototype, 'show', 1)
  All(path)(PageController.prototype, 'show', descriptor)
  Controller()(PageController)
  return PageController
}

function filter(app: INestApplication, onError: (error: unknown) => unknown): ExceptionFilter {
  class ErrorFilter implements ExceptionFilter {
    catch(error: unknown, host: ArgumentsHost): void {
      const { httpAdapter } = app.get(HttpAdapterHost)
      httpAdapter.reply(host.switchToHttp().getResponse(), onError(error), 500)
    }
  }
  Catch()(ErrorFilter)
  return new ErrorFilter()
}
