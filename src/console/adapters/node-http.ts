import type { IncomingMessage, ServerResponse } from 'node:http'
import { Readable } from 'node:stream'
import type { TLSSocket } from 'node:tls'
import type { Handle } from '../handler.js'

/** A request of Node, or of a framework on it. A body parser may have read the body already. */
export type NodeRequest = IncomingMessage & { readonly originalUrl?: string | undefined; readonly body?: unknown }

/** What a framework knows about a request. */
interface Known {
  /** Passed to `authorize`. */
  readonly context: unknown
  /** The path and query that the client sent. Default: what Express says, else Node. */
  readonly url?: string | undefined
  /** What a body parser made of the body, if one has read it. */
  readonly body: unknown
}

/** Answers a request of Node. Resolves when the response was sent, or its client has gone. */
export async function answerNode(
  handle: Handle,
  message: NodeRequest,
  response: ServerResponse,
  { context, url = message.originalUrl ?? message.url ?? '/', body }: Known,
): Promise<void> {
  const request = toRequest(message, url, body)
  if (!request) {
    response.writeHead(400).end()
    return
  }
  await send(await handle(request, context), response, request.method === 'HEAD')
}

/** Returns `undefined` if it is not a request that browsers send. */
function toRequest(message: IncomingMessage, path: string, parsed: unknown): Request | undefined {
  const { method = 'GET', headers } = message
  const host = headers.host ?? headers[':authority'] ?? 'localhost'
  if (!path.startsWith('/') || typeof host !== 'string' || !/^[\w.:[\]-]+$/.test(host)) return undefined
  // Browsers send normal paths: "..", "\\" and the like only serve to get past the checks of a proxy.
  if (new URL(path, 'http://localhost').pathname !== path.replace(/[?#].*$/s, '')) return undefined
  const scheme = (message.socket as Partial<TLSSocket> | undefined)?.encrypted ? 'https' : 'http'
  try {
    const body = method === 'GET' || method === 'HEAD' ? null : bodyOf(message, parsed)
    const init = { method, headers: headersOf(message), body, duplex: 'half' }
    return new Request(`${scheme}://${host}${path}`, init as RequestInit)
  } catch {
    return undefined
  }
}

function headersOf({ headers }: IncomingMessage): Headers {
  const all = new Headers()
  for (const [name, value] of Object.entries(headers)) {
    if (name.startsWith(':') || value === undefined) continue
    for (const one of Array.isArray(value) ? value : [value]) all.append(name, one)
  }
  return all
}

function bodyOf(message: IncomingMessage, parsed: unknown): ReadableStream | string | Buffer {
  if (parsed === undefined || !message.readableEnded) return Readable.toWeb(message) as unknown as ReadableStream
  return typeof parsed === 'string' || Buffer.isBuffer(parsed) ? parsed : JSON.stringify(parsed)
}

async function send(answer: Response, response: ServerResponse, head: boolean): Promise<void> {
  // A connection that was kept open after its last event would keep a closing server from ending.
  if (answer.headers.get('content-type')?.startsWith('text/event-stream')) response.shouldKeepAlive = false
  response.writeHead(answer.status, Object.fromEntries(answer.headers))
  if (!answer.body || head) {
    response.end()
    return
  }
  const reader = answer.body.getReader()
  if (response.destroyed) return reader.cancel()
  response.on('close', () => void reader.cancel().catch(() => {}))
  response.flushHeaders()
  for (let next = await reader.read(); !next.done; next = await reader.read()) {
    if (!response.write(next.value)) await drained(response)
  }
  response.end()
}

async function drained(response: ServerResponse): Promise<void> {
  if (response.destroyed) return
  await new Promise<void>(resolve => {
    response.once('drain', resolve)
    response.once('close', resolve)
  })
}
