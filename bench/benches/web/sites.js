// @ts-check
// One page, by each framework as its documentation begins: with dictionaries, bare, or with the least that tells requests apart.
import { AsyncLocalStorage } from 'node:async_hooks'
import { createServer } from 'node:http'
import { getRequestListener } from '@hono/node-server'
import { All, Controller, Module } from '@nestjs/common'
import { NestFactory } from '@nestjs/core'
import { ExpressAdapter } from '@nestjs/platform-express'
import express from 'express'
import Fastify from 'fastify'
import { Hono } from 'hono'
import Koa from 'koa'
import { freshPerRequest as onExpress } from '../../../dist/express.js'
import { freshPerRequest as onFastify } from '../../../dist/fastify.js'
import { freshPerRequest as onHono } from '../../../dist/hono.js'
import { freshPerRequest as onKoa } from '../../../dist/koa.js'
import { Dicts, DurableDictModule } from '../../../dist/nestjs.js'

/** @typedef {import('../../types.js').Dict} Dict */
/** @typedef {import('../../types.js').Sample} Sample */
/** @typedef {{ maxStaleness?: number }} Options */
/** @typedef {{ settings: ReadonlyMap<string, Sample> }} Dictionaries */

/**
 * What is served: a value of the dictionary if there is one, and otherwise of the map.
 * @typedef {object} Content
 * @property {string} key
 * @property {Map<string, Sample>} map
 * @property {Dict} [dict]
 * @property {Options} [options]
 * @property {boolean} [storage] whether a middleware only runs each request in an `AsyncLocalStorage`
 */

const requests = new AsyncLocalStorage()

/** @template V @param {() => V} proceed @returns {V} */
const stored = proceed => requests.run({}, proceed)

/** The port on which a framework serves it. @type {Record<string, (content: Content) => Promise<number>>} */
export const sites = {
  async Express({ key, map, dict, options, storage }) {
    const app = express()
    if (dict) app.use(onExpress({ settings: dict }, options))
    if (storage) app.use((_request, _response, next) => stored(() => next()))
    app.get('/', (request, response) => {
      response.json((dict ? dictsOf(request).settings : map).get(key))
    })
    return listen(createServer(app))
  },
  async Fastify({ key, map, dict, options, storage }) {
    const app = Fastify()
    if (dict) await app.register(onFastify({ settings: dict }, options))
    if (storage) app.addHook('onRequest', (_request, _reply, done) => stored(done))
    app.get('/', (request, reply) => {
      reply.send((dict ? dictsOf(request).settings : map).get(key))
    })
    await app.listen({ port: 0, host: '127.0.0.1' })
    return portOf(app.server)
  },
  async Koa({ key, map, dict, options, storage }) {
    const app = new Koa()
    if (dict) app.use(onKoa({ settings: dict }, options))
    if (storage) app.use((_context, next) => stored(next))
    app.use(context => {
      context.body = (dict ? dictsOf(context.state).settings : map).get(key)
    })
    return listen(createServer(app.callback()))
  },
  async Hono({ key, map, dict, options, storage }) {
    const app = new Hono()
    if (dict) app.use(onHono({ settings: dict }, options))
    if (storage) app.use((_context, next) => stored(next))
    app.get('/', context => context.json((dict ? dictsOf(context.var).settings : map).get(key)))
    return listen(createServer(getRequestListener(app.fetch)))
  },
  async NestJS({ key, map, dict, options, storage }) {
    class Page {
      /** @param {Dictionaries} dicts */
      show(dicts) {
        return (dict ? dicts.settings : map).get(key)
      }
    }
    if (dict) Dicts()(Page.prototype, 'show', 0)
    All('/')(
      Page.prototype,
      'show',
      /** @type {PropertyDescriptor} */ (Object.getOwnPropertyDescriptor(Page.prototype, 'show')),
    )
    Controller()(Page)
    class Root {
      /** @param {import('@nestjs/common').MiddlewareConsumer} consumer */
      configure(consumer) {
        /** @param {object} _request @param {object} _response @param {() => void} next */
        const store = (_request, _response, next) => stored(() => next())
        if (storage) consumer.apply(store).forRoutes('{*path}')
      }
    }
    Module({ imports: dict ? [DurableDictModule.forRoot({ settings: dict }, options)] : [], controllers: [Page] })(Root)
    const app = await NestFactory.create(Root, new ExpressAdapter(), { logger: false })
    await app.listen(0, '127.0.0.1')
    return portOf(app.getHttpServer())
  },
}

/** @param {object} holder @returns {Dictionaries} */
const dictsOf = holder => /** @type {{ dicts: Dictionaries }} */ (holder).dicts

/** @param {import('node:http').Server} server @returns {Promise<number>} */
function listen(server) {
  return new Promise(resolve => server.listen(0, '127.0.0.1', () => resolve(portOf(server))))
}

/** @param {import('node:net').Server} server */
const portOf = server => /** @type {import('node:net').AddressInfo} */ (server.address()).port
