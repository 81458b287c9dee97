import { Hono } from 'hono'
import { HTTPException } from 'hono/http-exception'
import { expect, test } from 'vitest'
import { freshPerRequest } from '../../src/hono.js'
import { ServiceUnavailableError } from '../../src/index.js'
import { frameworkSuite } from './framework-suite.js'
import { onHono } from './frameworks/hono.js'
import { pair } from './support.js'

frameworkSuite(onHono)

test("Hono: works without Node's request and response, too", async () => {
  const { dict } = await pair()
  const app = new Hono().use(freshPerRequest({ settings: dict })).get('/', context => {
    const { settings } = context.var.dicts
    return context.json([settings.get('colour'), settings === dict.current()])
  })
  expect(await (await app.request('/')).json()).toEqual(['red', true])
})

test('Hono: a rejection is an HTTPException for onError', async () => {
  const { dict } = await pair()
  await dict.close()
  const app = new Hono().use(freshPerRequest({ settings: dict }))
  app.onError(error => {
    expect(error).toBeInstanceOf(HTTPException)
    expect(error.cause).toBeInstanceOf(ServiceUnavailableError)
    return (error as HTTPException).getResponse()
  })
  const response = await app.request('/')
  expect([response.status, response.headers.get('retry-after')]).toEqual([503, '5'])
})
