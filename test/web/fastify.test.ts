import Fastify from 'fastify'
import { expect, test } from 'vitest'
import { freshPerRequest } from '../../src/fastify.js'
import { frameworkSuite } from './framework-suite.js'
import { onFastify, serve } from './frameworks/fastify.js'
import { getJson, pair } from './support.js'

frameworkSuite(onFastify)

test('Fastify: applies to the instance that registers it, not only to its own', async () => {
  const { dict } = await pair()
  const app = Fastify()
  await app.register(async inner => {
    await inner.register(freshPerRequest({ settings: dict }))
    inner.get('/inner', request => [Object.keys((request as unknown as { dicts: object }).dicts)])
  })
  app.get('/outer', request => ['dicts' in request])
  const outer = await app.inject('/outer')
  expect([(await app.inject('/inner')).json(), outer.json()]).toEqual([[['settings']], [false]])
  await app.close()
})

test('Fastify: registered twice, provides the snapshots of both', async () => {
  const [settings, flags] = [await pair(), await pair({}, 'flags')]
  const app = Fastify()
  await app.register(freshPerRequest({ settings: settings.dict }))
  await app.register(freshPerRequest({ flags: flags.dict }))
  app.get('/', request => [
    Object.keys((request as unknown as { dicts: object }).dicts),
    settings.dict.current().get('colour'),
  ])
  expect((await app.inject('/')).json()).toEqual([['settings', 'flags'], 'red'])
  await app.close()
})

test("Fastify: the error handler has the request's snapshot when a body cannot be parsed or is invalid", async () => {
  const { dict, writer } = await pair()
  const site = await serve(
    {
      dictionaries: { settings: dict },
      pages: {},
      onError: error => ({
        code: (error as { code?: string }).code ?? (error as Error).name,
        colour: dict.current().get('colour'),
      }),
    },
    app => {
      app.addHook('preParsing', async () => {
        await writer.set('colour', 'green')
        await dict.sync()
      })
      app.post('/parsed', { schema: { body: { type: 'object', required: ['a'] } } }, () => 'unreached')
    },
  )
  const post = (body: string) => {
    const headers = { 'content-type': 'application/json' }
    return getJson(`${site.url}/parsed`, { method: 'POST', headers, body })
  }
  expect(await post('{"a":')).toEqual({ code: expect.stringMatching(/^(?:FST_ERR_CTP|SyntaxError$)/), colour: 'red' })
  await writer.set('colour', 'red')
  expect(await post('{}')).toEqual({ code: 'FST_ERR_VALIDATION', colour: 'red' })
  await site.close()
})
