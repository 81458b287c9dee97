import type { ServerResponse } from 'node:http'
import type { Handle } from '../handler.js'
import { answerNode, type NodeRequest } from './node-http.js'

/** A middleware of Express, and of frameworks with the same signature. It answers every request that reaches it. */
// biome-ignore lint/suspicious/noExplicitAny: Express' own types, without importing them.
export type ExpressHandler = (request: any, response: any, next: (error?: unknown) => void) => void

export function expressOf(handle: Handle): ExpressHandler {
  return (request: NodeRequest, response: ServerResponse, next) => {
    answerNode(handle, request, response, { context: request, body: request.body }).catch(next)
  }
}
