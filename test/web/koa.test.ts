import { once } from 'node:events'
import Koa from 'koa'
import { expect, test } from 'vitest'
import { ServiceUnavailableError } from '../../src/index.js'
import { freshPerRequest } from '../../src/koa.js'
import { frameworkSuite } from './framework-suite.js'
import { onKoa } from './frameworks/koa.js'
import { served } from './frameworks/site.js'
import { pair } from './support.js'

frameworkSuite(onKoa)

test('Koa: a rejection is an error that outer middleware may handle, and is emitted as the event "error"', async () => {
  const { dict } = await pair()
  await dict.close()
  const app = new Koa()
  const errors: unknown[] = []
  app.on('error', error => errors.push(error))
  app.use(async (context, next) => {
    if (context.path === '/') return next()
    await next().catch(error => {
      context.body = `handled ${error.status}`
    })
  })
  app.use(freshPerRequest({ settings: dict }))
  const server = app.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const site = served(server, () => server.close())
  const response = await fetch(site.url)
  expect([response.status, await response.text()]).toEqual([503, 'Service Unavailable'])
  expect(errors).toEqual([expect.any(ServiceUnavailableError)])
  expect(await (await fetch(`${site.url}/handled`)).text()).toBe('handled 503')
  await site.close()
})
