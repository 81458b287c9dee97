import { Readable } from 'node:stream'
import Fastify, { type FastifyInstance } from 'fastify'
import { freshPerRequest, type WithDicts } from '../../../src/fastify.js'
import { type Dicts, type Framework, isStream, type Site, served } from './site.js'

export const onFastify: Framework = { name: 'Fastify', serve: site => serve(site) }

/** @param more - further setup of the instance. */
export async function serve(site: Site, more: (app: FastifyInstance) => void = () => {}) {
  const app = Fastify()
  app.addHook('onRequest', (_request, _reply, done) => {
    site.onArrival?.()
    done()
  })
  await app.register(freshPerRequest(site.dictionaries, site.options))
  for (const [url, page] of Object.entries(site.pages)) {
    app.route({
      method: ['GET', 'POST'],
      url,
      handler: async (request, reply) => {
        const { dicts } = request as unknown as WithDicts<never> & { dicts: Dicts }
        const result = await page(dicts, request.body)
        return isStream(result) ? reply.type('text/plain').send(Readable.from(result)) : reply.send(result)
      },
    })
  }
  const { onError } = site
  if (onError) app.setErrorHandler((error, _request, reply) => reply.code(500).send(onError(error)))
  more(app)
  await app.listen({ port: 0, host: '127.0.0.1' })
  return served(app.server, () => app.close())
}
