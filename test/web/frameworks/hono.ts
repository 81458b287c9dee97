import { once } from 'node:events'
import type { Server } from 'node:http'
import { serve as serveOnNode } from '@hono/node-server'
import { Hono } from 'hono'
import { stream } from 'hono/streaming'
import { freshPerRequest, type WithDicts } from '../../../src/hono.js'
import { type Dicts, type Framework, isStream, type Site, served } from './site.js'

export const onHono: Framework = { name: 'Hono', serve }

async function serve(site: Site) {
  const app = new Hono<{ Variables: WithDicts<typeof site.dictionaries> }>()
  app.use(async (_context, next) => {
    site.onArrival?.()
    await next()
  })
  app.use(freshPerRequest(site.dictionaries, site.options))
  for (const [path, page] of Object.entries(site.pages)) {
    app.all(path, async context => {
      const body = context.req.method === 'POST' ? await context.req.json() : undefined
      const result = await page(context.get('dicts') as Dicts, body)
      if (!isStream(result)) return context.json(result as object)
      return stream(context, async writer => {
        for await (const chunk of result) await writer.write(chunk)
      })
    })
  }
  const { onError } = site
  if (onError) app.onError((error, context) => context.json(onError(error) as object, 500))
  const server = serveOnNode({ fetch: app.fetch, port: 0, hostname: '127.0.0.1' }) as Server
  await once(server, 'listening')
  return served(server, () => server.close())
}
