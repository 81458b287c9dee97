import { once } from 'node:events'
import { Readable } from 'node:stream'
import express, { type ErrorRequestHandler } from 'express'
import { freshPerRequest, type WithDicts } from '../../../src/express.js'
import { type Dicts, type Framework, isStream, type Page, type Site, served } from './site.js'

export const onExpress: Framework = { name: 'Express', serve: site => serve(site) }

/** @param first - runs before the middleware under test. */
export async function serve(site: Site, first: express.RequestHandler[] = []) {
  const app = express()
  // The mode in which the stack of an error is sent to clients, and not written to stderr.
  app.set('env', 'test')
  app.use((_request, _response, next) => {
    site.onArrival?.()
    next()
  })
  for (const one of first) app.use(one)
  app.use(freshPerRequest(site.dictionaries, site.options))
  app.use(express.json())
  for (const [path, page] of Object.entries(site.pages)) app.all(path, handler(page))
  const { onError } = site
  if (onError) {
    const handleError: ErrorRequestHandler = (error, _request, response, _next) => {
      response.status(500).json(onError(error))
    }
    app.use(handleError)
  }
  const server = app.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return served(server, () => server.close())
}

function handler(page: Page): express.RequestHandler {
  const answer = async (request: express.Request, response: express.Response) => {
    const { dicts } = request as unknown as WithDicts<never> & { dicts: Dicts }
    const result = await page(dicts, request.body)
    if (isStream(result)) Readable.from(result).pipe(response)
    else response.json(result)
  }
  // Express 4 ignores the promise of a handler.
  return (request, response, next) => void answer(request, response).catch(next)
}
