import { once } from 'node:events'
import { Readable } from 'node:stream'
import { json } from 'node:stream/consumers'
import Koa from 'koa'
import { freshPerRequest } from '../../../src/koa.js'
import { type Dicts, type Framework, isStream, type Site, served } from './site.js'

export const onKoa: Framework = { name: 'Koa', serve }

async function serve(site: Site) {
  const app = new Koa<{ dicts: Dicts }>()
  app.silent = true
  const { onError } = site
  app.use(async (context, next) => {
    site.onArrival?.()
    try {
      await next()
    } catch (error) {
      if (!onError) throw error
      context.status = 500
      context.body = onError(error)
    }
  })
  app.use(freshPerRequest(site.dictionaries, site.options))
  // Errors are handled at the top: an inner handler is tested by this one.
  app.use(async context => {
    const page = site.pages[context.path]
    if (!page) return
    const body = context.method === 'POST' ? await json(context.req) : undefined
    const result = await page(context.state.dicts, body)
    context.body = isStream(result) ? Readable.from(result) : (result as object)
  })
  const server = app.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return served(server, () => server.close())
}
