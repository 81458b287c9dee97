import { once } from 'node:events'
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { answerNode } from './adapters/node-http.js'
import { HEADERS } from './answers.js'
import { Door } from './door.js'
import { type Handle, handlerOf } from './handler.js'
import { type ConsoleOptions, checkConsoleOptions } from './options.js'

/** The options of a console with a server of its own. */
export interface StandaloneOptions extends Pick<ConsoleOptions, 'mask' | 'readOnly'> {
  /** Becomes `by` of each change. */
  readonly user: string
  /** Default: a free one. */
  readonly port?: number | undefined
}

/** A console with a server of its own. */
export interface Standalone {
  /** Without the token. */
  readonly address: string
  /** Lets one browser in, once. */
  readonly url: string
  close(): Promise<void>
}

/** Serves a console on this machine only. The URL contains a token that works once. */
export async function serveConsole(
  dictionary: unknown,
  { port = 0, ...options }: StandaloneOptions,
): Promise<Standalone> {
  const { createServer } = process.getBuiltinModule('node:http')
  const server = createServer()
  server.listen(port, '127.0.0.1')
  await once(server, 'listening')
  const own = (server.address() as AddressInfo).port
  const door = new Door(`durabledict-console-${own}`)
  const handle = guarded(dictionary, options, door, own)
  server.on('request', (request, response) => {
    answerNode(handle, request, response, { context: undefined, body: undefined }).catch(() => response.destroy())
  })
  const address = `http://127.0.0.1:${own}/`
  return { address, url: `${address}?token=${door.token}`, close: () => closed(server) }
}

async function closed(server: Server): Promise<void> {
  const end = once(server, 'close')
  server.close()
  server.closeAllConnections()
  await end
}

/** Answers who comes with the token or the cookie, and nobody else. */
function guarded(dictionary: unknown, { user, ...options }: StandaloneOptions, door: Door, port: number): Handle {
  const authorize = (request: Request) => (door.knows(request) ? { user } : undefined)
  const handle = handlerOf(dictionary, checkConsoleOptions({ ...options, authorize }))
  return async request => {
    const { host, pathname, searchParams } = new URL(request.url)
    // Another site may have a name that leads to this machine.
    if (host !== `127.0.0.1:${port}` && host !== `localhost:${port}`)
      return plain(403, 'This name does not lead to the console.')
    if (pathname !== '/' || request.method !== 'GET') return handle(request)
    const token = searchParams.get('token')
    const isKnown = door.knows(request)
    if (token !== null) return isKnown ? withoutToken() : admitted(door, token)
    return isKnown ? handle(request) : refused(request)
  }
}

function admitted(door: Door, token: string): Response {
  const entrance = door.enter(token)
  if (entrance.type === 'open') return withoutToken({ 'set-cookie': entrance.cookie })
  if (entrance.type === 'wrong')
    return plain(403, 'This token is wrong, or was used already. Start the command again for a new one.')
  return plain(429, 'Too many wrong tokens. Wait a minute.', { 'retry-after': `${entrance.seconds}` })
}

/** Sends the browser to the address without the token. */
function withoutToken(headers: Readonly<Record<string, string>> = {}): Response {
  return plain(303, '', { location: './', ...headers })
}

/** The browser keeps the cookie back if another site, or a file, led to the page: coming again from the page itself, it sends it. */
function refused(request: Request): Response {
  if (request.headers.get('sec-fetch-site') !== 'cross-site')
    return plain(403, 'Open the address that the command printed: it contains a token.')
  const again =
    '<!doctype html><html lang="en"><meta http-equiv="refresh" content="0"><title>durabledict console</title>'
  return plain(200, again, { 'content-type': 'text/html; charset=utf-8' })
}

function plain(status: number, text: string, headers: Readonly<Record<string, string>> = {}): Response {
  const all = { ...HEADERS, 'content-type': 'text/plain; charset=utf-8', ...headers }
  return new Response(text === '' ? null : text, { status, headers: all })
}
