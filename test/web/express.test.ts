import express from 'express'
import { expect, test } from 'vitest'
import { freshPerRequest } from '../../src/express.js'
import { ServiceUnavailableError } from '../../src/index.js'
import { frameworkSuite } from './framework-suite.js'
import { onExpress, serve } from './frameworks/express.js'
import { served } from './frameworks/site.js'
import { getJson, pair } from './support.js'

frameworkSuite(onExpress)

test('Express: works behind a body parser, too', async () => {
  const { dict } = await pair()
  const pages = { '/': (_dicts: object, body: unknown) => [body, dict.current().get('colour')] }
  const site = await serve({ dictionaries: { settings: dict }, pages }, [express.json()])
  const init = { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{"a":1}' }
  expect(await getJson(site.url, init)).toEqual([{ a: 1 }, 'red'])
  await site.close()
})

test('Express: works for some routes only, and again below them', async () => {
  const [settings, flags] = [await pair(), await pair({}, 'flags')]
  const app = express()
  const router = express.Router()
  router.use(freshPerRequest({ settings: settings.dict, flags: flags.dict }))
  router.get('/', (request, response) => {
    const { dicts } = request as unknown as { dicts: Record<string, unknown> }
    response.json([Object.keys(dicts), settings.dict.current() === dicts.settings])
  })
  app.get('/bare', (request, response) => {
    response.json(['dicts' in request])
  })
  app.use('/fresh', freshPerRequest({ settings: settings.dict }), router)
  const server = app.listen(0, '127.0.0.1')
  await new Promise(resolve => server.once('listening', resolve))
  const site = served(server, () => server.close())
  expect(await getJson(`${site.url}/bare`)).toEqual([false])
  const before = settings.faulty.count('changesSince')
  expect(await getJson(`${site.url}/fresh`)).toEqual([['settings', 'flags'], true])
  expect(settings.faulty.count('changesSince') - before).toBe(1)
  await site.close()
})

test('Express: passes a rejection to the error handlers', async () => {
  const { dict } = await pair()
  await dict.close()
  const errors: unknown[] = []
  const onError = (error: unknown) => {
    errors.push(error)
    return 'handled'
  }
  const site = await serve({ dictionaries: { settings: dict }, pages: {}, onError })
  const response = await fetch(site.url)
  expect([response.status, response.headers.get('retry-after')]).toEqual([500, '5'])
  expect(errors).toEqual([expect.any(ServiceUnavailableError)])
  expect(errors[0]).toMatchObject({ status: 503, statusCode: 503, code: 'DURABLEDICT_SERVICE_UNAVAILABLE' })
  await site.close()
})
