import type { ServerResponse } from 'node:http'
import type { Handle } from '../handler.js'
import { answerNode, type NodeRequest } from './node-http.js'

interface FastifyRequest {
  readonly raw: NodeRequest
  readonly originalUrl: string
}

interface FastifyReply {
  readonly raw: ServerResponse
  hijack(): unknown
}

interface FastifyInstance {
  removeAllContentTypeParsers(): unknown
  addContentTypeParser(
    type: string,
    parser: (request: unknown, payload: unknown, done: (error: null) => void) => void,
  ): unknown
  addHook(name: 'preClose', hook: (done: () => void) => void): unknown
  all(path: string, handler: (request: FastifyRequest, reply: FastifyReply) => unknown): unknown
}

/** A plugin of Fastify 5. */
// biome-ignore lint/suspicious/noExplicitAny: Fastify's own types, without importing them.
export type FastifyConsole = (instance: any, options: unknown) => Promise<void>

export function fastifyOf(handle: Handle, close: () => void): FastifyConsole {
  return async (instance: FastifyInstance) => {
    instance.addHook('preClose', done => {
      close()
      done()
    })
    // The console reads the body itself, whatever its type: only in this part of the application.
    instance.removeAllContentTypeParsers()
    instance.addContentTypeParser('*', (_request, _payload, done) => done(null))
    const answer = async (request: FastifyRequest, reply: FastifyReply) => {
      reply.hijack()
      await answerNode(handle, request.raw, reply.raw, { context: request, body: undefined })
    }
    instance.all('/', answer)
    instance.all('/*', answer)
  }
}
