import 'reflect-metadata'
import {
  type CallHandler,
  type CanActivate,
  Controller,
  type ExecutionContext,
  Get,
  Injectable,
  Module,
  type NestInterceptor,
  ServiceUnavailableException,
} from '@nestjs/common'
import { NestFactory } from '@nestjs/core'
import { FastifyAdapter } from '@nestjs/platform-fastify'
import { map } from 'rxjs'
import { expect, test } from 'vitest'
import { type DurableDict, ServiceUnavailableError } from '../../src/index.js'
import { Dicts, DurableDictModule } from '../../src/nestjs.js'
import { frameworkSuite } from './framework-suite.js'
import { onNestExpress, onNestFastify } from './frameworks/nestjs.js'
import { getJson, pair } from './support.js'

frameworkSuite(onNestExpress)
frameworkSuite(onNestFastify)

const platforms = [
  ['Express', undefined],
  ['Fastify', new FastifyAdapter()],
] as const

/** An application with everything that a request passes through. */
async function start(dict: DurableDict, adapter: FastifyAdapter | undefined, seen: unknown[], imported = true) {
  const look = () => seen.push(dict.current().get('colour'))
  class Guard implements CanActivate {
    canActivate(): boolean {
      look()
      return true
    }
  }
  class Interceptor implements NestInterceptor {
    intercept(_context: ExecutionContext, next: CallHandler) {
      look()
      return next.handle().pipe(map(value => [...(value as unknown[]), look() && 'intercepted']))
    }
  }
  class Service {
    colour(): unknown {
      return dict.current().get('colour')
    }
  }
  Injectable()(Service)
  class Page {
    readonly service = new Service()
    show(settings: ReadonlyMap<string, unknown>) {
      return [settings.get('colour'), this.service.colour()]
    }
    missing() {}
  }
  const of = (name: string) => Object.getOwnPropertyDescriptor(Page.prototype, name) as PropertyDescriptor
  Dicts('settings')(Page.prototype, 'show', 0)
  Get('/')(Page.prototype, 'show', of('show'))
  Dicts('flags')(Page.prototype, 'missing', 0)
  Get('/missing')(Page.prototype, 'missing', of('missing'))
  Controller()(Page)
  class Root {}
  Module({ imports: imported ? [DurableDictModule.forRoot({ settings: dict })] : [], controllers: [Page] })(Root)
  const app = adapter
    ? await NestFactory.create(Root, adapter, { logger: false })
    : await NestFactory.create(Root, { logger: false })
  app.setGlobalPrefix('api')
  app.useGlobalGuards(new Guard())
  app.useGlobalInterceptors(new Interceptor())
  const errors: unknown[] = []
  app.useGlobalFilters({
    catch(error, host) {
      errors.push(error)
      app.getHttpAdapter().reply(host.switchToHttp().getResponse(), ['filtered'], 500)
    },
  })
  await app.listen(0, '127.0.0.1')
  return { app, url: `${await app.getUrl()}/api`, errors }
}

test.each(platforms)(
  'NestJS on %s: guards, interceptors, parameters and services see one state',
  async (_, adapter) => {
    const { dict } = await pair()
    const seen: unknown[] = []
    const { app, url, errors } = await start(dict, adapter, seen)
    expect(await getJson(url)).toEqual(['red', 'red', 'intercepted'])
    expect(seen).toEqual(['red', 'red', 'red'])
    expect(await getJson(`${url}/missing`)).toEqual(['filtered'])
    expect(errors).toEqual([new TypeError('@Dicts("flags"): there is no such dictionary; there are settings.')])
    await dict.close()
    expect(await getJson(url)).toEqual(['filtered'])
    expect(errors[1]).toBeInstanceOf(ServiceUnavailableException)
    expect((errors[1] as Error).cause).toBeInstanceOf(ServiceUnavailableError)
    await app.close()
  },
)

test('NestJS: @Dicts() without the module names the module to import', async () => {
  const { dict } = await pair()
  const { app, url, errors } = await start(dict, undefined, [], false)
  await getJson(url)
  expect(String(errors[0])).toBe(
    'TypeError: @Dicts() needs DurableDictModule.forRoot() among the imports of the root module.',
  )
  await app.close()
})

test('NestJS: forRoot() rejects wrong arguments', () => {
  expect(() => DurableDictModule.forRoot({ settings: {} } as never)).toThrow(/^DurableDictModule\.forRoot\(\) takes/)
})
