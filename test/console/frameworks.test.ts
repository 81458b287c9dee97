import { once } from 'node:events'
import { request as httpRequest, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type ServerType, serve } from '@hono/node-server'
import { Module } from '@nestjs/common'
import { NestFactory } from '@nestjs/core'
import { ExpressAdapter } from '@nestjs/platform-express'
import { FastifyAdapter } from '@nestjs/platform-fastify'
import express from 'express'
import fastify from 'fastify'
import { Hono } from 'hono'
import Koa from 'koa'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Console, createConsole } from '../../src/console.js'
import { MemoryDict } from '../../src/index.js'
import { readEvents } from './support.js'

const BASE = '/ops/settings'

interface Site {
  readonly url: string
  close(): unknown
}

class Empty {}
Module({})(Empty)

const urlOf = (server: { address(): unknown }) => `http://127.0.0.1:${(server.address() as AddressInfo).port}`

async function listening(server: Server): Promise<Site> {
  if (!server.listening) await once(server, 'listening')
  return { url: urlOf(server), close: () => server.closeAllConnections() ?? server.close() }
}

async function nest(adapter: ExpressAdapter | FastifyAdapter, settings: Console): Promise<Site> {
  const app = await NestFactory.create(Empty, adapter as ExpressAdapter, { logger: false, forceCloseConnections: true })
  app.use(BASE, settings.nestjs())
  await app.listen(0, '127.0.0.1')
  return { url: urlOf(app.getHttpServer()), close: () => app.close() }
}

/** Starts a site of each framework, with the console below a path, and a body parser before it where that is usual. */
const FRAMEWORKS: Record<string, (settings: Console) => Promise<Site>> = {
  Express: settings => listening(express().use(BASE, settings.express()).listen(0, '127.0.0.1')),
  'Express behind a body parser': settings =>
    listening(express().use(express.json()).use(BASE, settings.express()).listen(0, '127.0.0.1')),
  Fastify: async settings => {
    const app = fastify({ forceCloseConnections: true })
    app.post('/', async request => request.body)
    await app.register(settings.fastify(), { prefix: BASE })
    return { url: await app.listen({ port: 0, host: '127.0.0.1' }), close: () => app.close() }
  },
  Koa: settings => {
    const app = new Koa()
    app.use(settings.koa(BASE))
    app.use(context => {
      context.status = 404
      context.body = 'another page'
    })
    return listening(app.listen(0, '127.0.0.1'))
  },
  Hono: async settings => {
    const app = new Hono().all(`${BASE}/*`, settings.hono())
    const server: ServerType = await new Promise(resolve => {
      const started = serve({ fetch: app.fetch, port: 0, hostname: '127.0.0.1' }, () => resolve(started))
    })
    return { url: urlOf(server), close: () => (server as Server).closeAllConnections() ?? server.close() }
  },
  'NestJS on Express': settings => nest(new ExpressAdapter(), settings),
  'NestJS on Fastify': settings => nest(new FastifyAdapter(), settings),
}

describe.each(Object.keys(FRAMEWORKS))('the console in %s', name => {
  let site: Site
  let dict: MemoryDict
  const contexts: unknown[] = []
  const same = { 'sec-fetch-site': 'same-origin' }

  beforeAll(async () => {
    dict = await MemoryDict.open(undefined, { live: true })
    const settings = createConsole(dict, {
      authorize: (request, context) => {
        contexts.push(context)
        const user = request.headers.get('x-user')
        return user === null ? undefined : { user }
      },
    })
    site = await (FRAMEWORKS[name] as (settings: Console) => Promise<Site>)(settings)
  })
  afterAll(async () => {
    await site.close()
    await dict.close()
  })

  const send = (path: string, init: RequestInit = {}) =>
    fetch(site.url + BASE + path, {
      redirect: 'manual',
      ...init,
      headers: { ...same, 'x-user': 'ada', ...init.headers },
    })

  test('serves the page below its path, and its files', async () => {
    const redirect = await send('')
    if (redirect.status === 308) expect(redirect.headers.get('location')).toBe('./settings/')
    for (const path of ['/', '/console.js', '/console.css', '/icon.svg']) {
      const response = await send(path)
      expect([path, response.status, response.headers.get('x-content-type-options')]).toEqual([path, 200, 'nosniff'])
      expect((await response.text()).length).toBeGreaterThan(100)
    }
  })

  test('passes the request of the framework to authorize, and refuses without a user', async () => {
    contexts.length = 0
    const refused = await fetch(`${site.url}${BASE}/api/info`, { headers: same })
    expect(refused.status).toBe(403)
    expect(contexts).toEqual([expect.any(Object)])
  })

  test('saves a value', async () => {
    const body = JSON.stringify({ key: 'colour', token: 'absent', text: '{"a": [1, "ü"]}' })
    const response = await send('/api/save', { method: 'POST', headers: { 'content-type': 'application/json' }, body })
    expect(response.status).toBe(200)
    expect(await dict.get('colour')).toEqual({ a: [1, 'ü'] })
    expect((await dict.history({ limit: 1 }).toArray())[0]).toMatchObject({ by: 'ada', via: 'console' })
  })

  test('refuses a body of another type, and an unknown path', async () => {
    const form = {
      method: 'POST',
      headers: { 'content-type': 'text/plain' },
      body: '{"key":"a","token":"absent","text":"1"}',
    }
    expect((await send('/api/save', form)).status).toBe(415)
    expect((await send('/api/nothing')).status).toBe(404)
    expect(await dict.has('a')).toBe(false)
  })

  test('finds nothing by tricks in the path', async () => {
    for (const path of ['/api%2finfo', '//api/info', '/x/..%2fapi/info', '/api/info%00', '/api\\info']) {
      expect([path, (await raw(`${site.url}`, BASE + path)) >= 400]).toEqual([path, true])
    }
  })

  test('sends events while the page is open', async () => {
    const response = await send('/api/events')
    await dict.set('live', 1)
    expect(await readEvents(response, text => text.includes('"live"'))).toContain('event: change')
  })
})

test('a Fastify application that closes ends the streams of events', async () => {
  const dict = await MemoryDict.open(undefined, { live: true })
  const app = fastify()
  await app.register(createConsole(dict, { authorize: () => ({ user: 'ada' }) }).fastify(), { prefix: BASE })
  const url = await app.listen({ port: 0, host: '127.0.0.1' })
  const events = await fetch(`${url}${BASE}/api/events`)
  const text = readEvents(events, () => false)
  await app.close()
  expect(await text).toContain('event: ready')
  await dict.close()
})

test('Express with a parser of raw bodies saves a value', async () => {
  const dict = await MemoryDict.open()
  const settings = createConsole(dict, { authorize: () => ({ user: 'ada' }) })
  const app = express().use(express.raw({ type: () => true }), settings.express())
  const site = await listening(app.listen(0, '127.0.0.1'))
  const headers = { 'sec-fetch-site': 'same-origin', 'content-type': 'application/json' }
  const body = JSON.stringify({ key: 'colour', token: 'absent', text: '1' })
  expect((await fetch(`${site.url}/api/save`, { method: 'POST', headers, body })).status).toBe(200)
  await site.close()
  await dict.close()
})

/** The status of a path that is sent as it is. */
async function raw(url: string, path: string): Promise<number> {
  const request = httpRequest(url, { path, headers: { 'sec-fetch-site': 'same-origin', 'x-user': 'ada' } })
  request.end()
  const [response] = await once(request, 'response')
  response.resume()
  return response.statusCode
}
