import express, { type Request } from 'express'
import Fastify from 'fastify'
import { Hono } from 'hono'
import Koa from 'koa'
import { type DictsOf, freshPerRequest as onExpress, type WithDicts } from '../../src/express.js'
import { freshPerRequest as onFastify } from '../../src/fastify.js'
import { freshPerRequest as onHono } from '../../src/hono.js'
import type { DurableDict, Snapshot } from '../../src/index.js'
import { freshPerRequest as onKoa } from '../../src/koa.js'
import { DurableDictModule, Dicts as NestDicts } from '../../src/nestjs.js'
import { expectType, type Settings } from './settings.js'

declare const settings: DurableDict<Settings, 'theme'>
declare const flags: DurableDict<Record<string, boolean>>
const dictionaries = { settings, flags }

// Anywhere below.
expectType<Snapshot<Settings, 'theme'>>()(settings.current())
expectType<'dark' | 'light'>()(settings.current().get('theme'))
// @ts-expect-error: nothing alters a snapshot
settings.current().set('theme', 'dark')

// The dictionaries of a request.
declare const dicts: DictsOf<typeof dictionaries>
expectType<Snapshot<Settings, 'theme'>>()(dicts.settings)
expectType<'dark' | 'light'>()(dicts.settings.get('theme'))
expectType<boolean | undefined>()(dicts.flags.get('checkout'))
// @ts-expect-error: no such dictionary
dicts.limits
// @ts-expect-error: no such key
dicts.settings.get('themes')
// @ts-expect-error: nothing alters them
dicts.settings = settings.current()

// By their own names: any string may be one.
declare const listed: DictsOf<readonly [typeof settings, typeof flags]>
expectType<Snapshot<Settings, 'theme'> | Snapshot<Record<string, boolean>> | undefined>()(listed.settings)
declare const single: DictsOf<typeof settings>
expectType<Snapshot<Settings, 'theme'> | undefined>()(single.settings)

// Each framework accepts it.
express().use(onExpress(dictionaries), onExpress(settings), onExpress([settings, flags], { maxStaleness: 100 }))
express.Router().get('/', onExpress(dictionaries), (_request, response) => void response.end())
Fastify().register(onFastify(dictionaries, { whenDown: 'fail' }))
new Koa().use(onKoa(dictionaries))
new Koa<WithDicts<typeof dictionaries>>().use(onKoa(dictionaries)).use(context => {
  expectType<Snapshot<Settings, 'theme'>>()(context.state.dicts.settings)
})
new Hono().use(onHono(dictionaries)).get('/', context => {
  expectType<Snapshot<Settings, 'theme'>>()(context.var.dicts.settings)
  expectType<boolean | undefined>()(context.get('dicts').flags.get('checkout'))
  return context.body(null)
})
new Hono<{ Variables: WithDicts<typeof dictionaries> }>().get('/', context => {
  expectType<Snapshot<Settings, 'theme'>>()(context.var.dicts.settings)
  return context.body(null)
})
DurableDictModule.forRoot(dictionaries, { whenDown: 'serve', maxStaleness: 0 })
expectType<ParameterDecorator>()(NestDicts())
NestDicts('settings')

// The application types requests by one declaration.
interface OwnRequest extends Request, WithDicts<typeof dictionaries> {}
declare const request: OwnRequest
expectType<'dark' | 'light'>()(request.dicts.settings.get('theme'))

// @ts-expect-error: no such option
onExpress(dictionaries, { whendown: 'fail' })
// @ts-expect-error: either of two
onExpress(dictionaries, { whenDown: 'crash' })
// @ts-expect-error: a number of milliseconds
onExpress(dictionaries, { maxStaleness: '100' })
// @ts-expect-error: not a dictionary
onExpress({ settings: {} })
// @ts-expect-error: to be awaited
onExpress({ settings: Promise.resolve(settings) })
// @ts-expect-error: nothing
onExpress()
