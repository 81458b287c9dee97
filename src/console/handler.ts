import { warn } from '../warnings/warnings.js'
import { Access } from './access.js'
import { type Answer, jsonResponse, toResponse } from './answers.js'
import { Desk, type Office } from './desk.js'
import { Events } from './events.js'
import { toFault } from './faults.js'
import { jsonBody } from './json-body.js'
import { JsonSchemas } from './json-schemas.js'
import { Members } from './members.js'
import { Operator } from './operator.js'
import type { ConsoleSettings } from './options.js'
import { checkOrigin } from './origin-check.js'
import { isSafePath, routeOf } from './paths.js'
import { RecentChanges } from './recent.js'
import { Refusal } from './refusal.js'
import { Repeats } from './repeats.js'
import type { Route } from './routes.js'

/** Answers a request. `context` is the framework's own request. */
export type Handle = (request: Request, context?: unknown) => Promise<Response>

/** @throws TypeError if it is not an open dictionary. */
export function handlerOf(dictionary: unknown, settings: ConsoleSettings): Handle & { close(): void } {
  const server = new Server(dictionary, settings)
  const handle: Handle = (request, context) => server.handle(request, context)
  return Object.assign(handle, { close: () => server.close() })
}

class Server {
  readonly #settings: ConsoleSettings
  readonly #operator: Operator
  readonly #office: Office
  readonly #events: Events
  readonly #repeats = new Repeats()

  constructor(dictionary: unknown, settings: ConsoleSettings) {
    const operator = new Operator(dictionary)
    this.#settings = settings
    this.#operator = operator
    this.#events = new Events(operator)
    const schemas = new JsonSchemas(settings.jsonSchema)
    this.#office = { operator, isMasked: settings.isMasked, schemas, recent: new RecentChanges(operator) }
  }

  close(): void {
    this.#events.close()
  }

  /** Never rejects. */
  async handle(request: Request, context: unknown): Promise<Response> {
    const head = request.method === 'HEAD'
    let key: string | undefined
    try {
      const answer = await this.#answer(request, context, one => {
        key = one
      })
      return toResponse(answer, head)
    } catch (error) {
      const { status, json, unexpected } = toFault(error, key !== undefined && this.#settings.isMasked(key))
      if (unexpected) this.#report(error)
      const headers: Record<string, string> = error instanceof Refusal && error.code === 'METHOD' ? allowOf(error) : {}
      return jsonResponse({ error: json }, status, headers, head)
    }
  }

  /** Each request passes these checks, in this order, whatever its route is. */
  async #answer(request: Request, context: unknown, onKey: (key: string | undefined) => void): Promise<Answer> {
    const url = new URL(request.url)
    const found = isSafePath(url.pathname) ? routeOf(url.pathname) : undefined
    const changes = !['GET', 'HEAD'].includes(request.method)
    checkOrigin(request, this.#settings.origins, found === undefined || found.isPage, changes)
    const renew = () => this.#admit(request, context)
    const desk = await renew()
    if (found === undefined) throw new Refusal(404, 'NOT_FOUND', 'The console has no such page.')
    if (found.location !== undefined) return { location: found.location }
    const route = found.byMethod(request.method)
    if (route.action === 'write') desk.access.requireWritable()
    const members = new Members(await sentOf(route, request, url), route.members)
    const key = route.key === undefined ? undefined : members.text(route.key)
    onKey(key)
    if (key !== undefined && route.action !== 'page') await desk.access.require(route.action, key)
    const run = async () => route.run({ desk, operator: this.#operator, events: this.#events, members, renew })
    if (route.action !== 'write') return run()
    const id = members.optionalText('request')
    return this.#repeats.once(id && `${members.digest()} ${JSON.stringify([desk.access.user, route.path])}`, run)
  }

  /** @throws Refusal unless `authorize` names a user. */
  async #admit(request: Request, context: unknown): Promise<Desk> {
    const { authorize, readOnly } = this.#settings
    // The body belongs to the console.
    const bare = new Request(request.url, { method: request.method, headers: request.headers })
    const access = new Access(await authorize(bare, context), readOnly || !this.#operator.canWrite)
    return new Desk(this.#office, access)
  }

  #report(error: unknown): void {
    const detail = error instanceof Error ? (error.stack ?? error.message) : String(error)
    const message = `A request to the console of dictionary "${this.#operator.name}" failed`
    warn('DURABLEDICT_CONSOLE', message, { source: this.#operator.name, detail })
  }
}

async function sentOf(route: Route, request: Request, url: URL): Promise<Iterable<readonly [string, unknown]>> {
  return route.method === 'GET' ? url.searchParams : Object.entries(await jsonBody(request))
}

function allowOf({ details }: Refusal): Record<string, string> {
  return { allow: (details as { allow: string }).allow }
}
