import type { ServerResponse } from 'node:http'
import type { Handle } from '../handler.js'
import { answerNode, type NodeRequest } from './node-http.js'

/** The members of Koa's context that this needs. */
interface KoaContext {
  readonly req: NodeRequest
  readonly res: ServerResponse
  readonly path: string
  readonly originalUrl: string
  readonly request: { readonly body?: unknown }
  respond?: boolean
}

/** A middleware of Koa 2 and 3. */
// biome-ignore lint/suspicious/noExplicitAny: Koa's own types, without importing them.
export type KoaHandler = (context: any, next: () => Promise<unknown>) => Promise<unknown>

export function koaOf(handle: Handle, path = ''): KoaHandler {
  const base = path.replace(/\/+$/, '')
  return async (context: KoaContext, next) => {
    if (context.path !== base && !context.path.startsWith(`${base}/`)) return next()
    context.respond = false
    return answerNode(handle, context.req, context.res, {
      context,
      url: context.originalUrl,
      body: context.request.body,
    })
  }
}
