import type { StandardSchemaV1 } from '@standard-schema/spec'
import { ROUTES } from '../../src/console/routes.js'
import { type ConsoleOptions, type ConsoleUser, createConsole } from '../../src/console.js'
import { type CommonOptions, MemoryDict, MemoryStore } from '../../src/index.js'

type DictOptions = CommonOptions & {
  defaults?: Record<string, unknown>
  schema?: Record<string, StandardSchemaV1>
}

export const ORIGIN = 'https://admin.example.com'
export const BASE = `${ORIGIN}/ops/settings/`

/** A browser of one user, without a browser: it sends what the page sends. */
export class Client {
  readonly #handle: (request: Request) => Promise<Response>

  constructor(handle: (request: Request) => Promise<Response>) {
    this.#handle = handle
  }

  get(path: string, headers: Record<string, string> = {}): Promise<Response> {
    return this.#handle(new Request(BASE + path, { headers: { 'sec-fetch-site': 'same-origin', ...headers } }))
  }

  post(path: string, body: unknown, headers: Record<string, string> = {}): Promise<Response> {
    const all = { 'sec-fetch-site': 'same-origin', 'content-type': 'application/json', ...headers }
    const text = typeof body === 'string' ? body : JSON.stringify(body)
    return this.#handle(new Request(BASE + path, { method: 'POST', headers: all, body: text }))
  }

  // biome-ignore lint/suspicious/noExplicitAny: answers of many shapes.
  async json(path: string): Promise<any> {
    return (await this.get(path)).json()
  }

  /** The token of what is stored under a key. */
  async token(key: string): Promise<string> {
    return (await this.json(`api/key?key=${encodeURIComponent(key)}`)).token
  }

  /** Saves a value over the one that is stored now. */
  async save(key: string, text: string, more: object = {}): Promise<Response> {
    return this.post('api/save', { key, text, token: await this.token(key), ...more })
  }
}

export const ADA: ConsoleUser = { user: 'ada@example.com' }

/** A console of a dictionary in memory, and a client of it. */
export async function opened(options: Partial<ConsoleOptions> = {}, open: DictOptions = {}, store = new MemoryStore()) {
  const dict = await MemoryDict.open(store, open as { defaults?: Record<string, unknown> })
  const handle = createConsole(dict, { authorize: () => ADA, ...options })
  return { dict, store, handle, client: new Client(handle) }
}

/** A request for each route: those that name a key name this one. */
export async function walk(client: Client, key: string, headers: Record<string, string> = {}) {
  const visits = ROUTES.map(async ({ method, path, members }) => {
    const given: Record<string, string> = { key, token: 'absent', text: '"text"', id: '1-none', reason: 'why' }
    const sent = Object.fromEntries(members.filter(name => name in given).map(name => [name, given[name] as string]))
    const response = await (method === 'POST'
      ? client.post(path, sent, headers)
      : client.get(`${path}?${new URLSearchParams(sent)}`, headers))
    const isStream = response.headers.get('content-type')?.startsWith('text/event-stream')
    if (isStream) await response.body?.cancel()
    return { path, method, response, text: isStream ? '' : await response.text() }
  })
  return Promise.all(visits)
}

/** Reads events until the text says enough. */
export async function readEvents(
  response: Response,
  isEnough: (text: string) => boolean | Promise<boolean>,
): Promise<string> {
  const reader = (response.body as ReadableStream<Uint8Array>).getReader()
  let text = ''
  while (!(await isEnough(text))) {
    const { done, value } = await reader.read()
    if (done) break
    text += new TextDecoder().decode(value)
  }
  await reader.cancel()
  return text
}

/** The lines of JSON of an answer. */
// biome-ignore lint/suspicious/noExplicitAny: lines of many shapes.
export async function linesOf(response: Response): Promise<any[]> {
  return (await response.text())
    .trim()
    .split('\n')
    .map(line => JSON.parse(line))
}

/** What an answer says about a request that failed. */
// biome-ignore lint/suspicious/noExplicitAny: errors have members of many shapes.
export async function errorOf(response: Response): Promise<any> {
  return ((await response.json()) as { error: unknown }).error
}
