import { checkAttribution } from '../dictionary/history/attribution.js'
import { VERSION } from '../version.js'
import type { Answer } from './answers.js'
import type { Desk } from './desk.js'
import type { Events } from './events.js'
import { eventually, type OnProgress, withoutNames } from './everywhere.js'
import type { Members } from './members.js'
import type { Operator, Terms } from './operator.js'
import { ICON, PAGE, SCRIPT, STYLE } from './page-files.js'
import type { Info } from './protocol.js'
import { Refusal } from './refusal.js'

/** What a route gets. */
interface Visit {
  /** The dictionary, as far as the user's rights go. */
  readonly desk: Desk
  readonly operator: Operator
  readonly events: Events
  readonly members: Members
  /** Whether the user may still use the console: asks `authorize` again. */
  readonly renew: () => Promise<Desk>
}

/** One row of the table of routes. */
export interface Route {
  readonly method: 'GET' | 'POST'
  /** The end of the path: what comes before depends on where the console is mounted. */
  readonly path: string
  /** `page`: no data. `read`: data, each key by the user's rights. `write`: as well, and nothing in read-only mode. */
  readonly action: 'page' | 'read' | 'write'
  /** The parameters of the query, or the members of the body. */
  readonly members: readonly string[]
  /** The member that names a key: the user's right to it is checked before the route runs. */
  readonly key?: string
  readonly run: (visit: Visit) => Answer | Promise<Answer>
}

const COMMON = ['reason', 'everywhere', 'request']

const MAX_PAGE = 100

/** All that the console answers. */
export const ROUTES: readonly Route[] = [
  page('', PAGE, 'text/html; charset=utf-8'),
  page('console.js', SCRIPT, 'text/javascript; charset=utf-8'),
  page('console.css', STYLE, 'text/css; charset=utf-8'),
  page('icon.svg', ICON, 'image/svg+xml'),
  read('api/info', [], ({ desk, operator }) => infoOf(desk, operator)),
  read('api/keys', [], ({ desk }) => desk.items()),
  { ...read('api/key', ['key'], ({ desk, members }) => desk.entry(members.text('key'))), key: 'key' },
  read('api/history', ['key', 'before', 'limit'], ({ desk, members }) =>
    desk.history(members.optionalText('key'), members.optionalText('before'), members.count('limit', 30, MAX_PAGE)),
  ),
  {
    ...read('api/change', ['id', 'key'], ({ desk, members }) => desk.change(members.text('id'), members.text('key'))),
    key: 'key',
  },
  read('api/replicas', [], ({ desk }) => desk.replicas()),
  {
    method: 'GET',
    path: 'api/events',
    action: 'read',
    members: [],
    run: ({ events, desk, renew }) => ({ body: events.stream(desk, renew), type: 'text/event-stream; charset=utf-8' }),
  },
  {
    ...write('api/save', ['key', 'token', 'text'], ({ desk, members }, terms) =>
      desk.save(members.text('text'), { key: members.text('key'), token: members.text('token'), terms }),
    ),
    key: 'key',
  },
  {
    ...write('api/unset', ['key', 'token'], ({ desk, members }, terms) =>
      desk.unset({ key: members.text('key'), token: members.text('token'), terms }),
    ),
    key: 'key',
  },
  write('api/revert', ['id', 'force'], async ({ desk, members }, terms) => {
    await desk.revert(members.text('id'), members.flag('force'), terms)
    return { reverted: true }
  }),
]

function page(path: string, body: string, type: string): Route {
  return { method: 'GET', path, action: 'page', members: [], run: () => ({ body, type }) }
}

function read(path: string, members: readonly string[], run: (visit: Visit) => unknown): Route {
  const answer = async (visit: Visit): Promise<Answer> => ({ json: await run(visit) })
  return { method: 'GET', path, action: 'read', members, run: answer }
}

function write(path: string, members: readonly string[], run: (visit: Visit, terms: Terms) => Promise<object>): Route {
  const answer = (visit: Visit) => {
    const { members, desk } = visit
    const terms = (onProgress?: OnProgress): Terms => ({
      by: desk.access.user,
      reason: reasonOf(members),
      everywhere: onProgress && { onProgress },
    })
    if (!members.flag('everywhere')) return run(visit, terms()).then(json => ({ json }))
    const all = (onProgress: OnProgress) => run(visit, terms(onProgress))
    return eventually(desk.access.replicas ? all : onProgress => withoutNames(all, onProgress))
  }
  return { method: 'POST', path, action: 'write', members: [...members, ...COMMON], run: answer }
}

/** @throws Refusal unless the history can hold it. */
function reasonOf(members: Members): string | undefined {
  try {
    return checkAttribution({ reason: members.optionalText('reason') }).reason
  } catch (error) {
    throw error instanceof TypeError ? new Refusal(400, 'BAD_REQUEST', error.message) : error
  }
}

function infoOf({ access }: Desk, operator: Operator): Info {
  const { name, hasHistory, hasRegistry } = operator
  const { user, readOnly, replicas } = access
  return { name, user, readOnly, history: hasHistory, replicas: replicas && hasRegistry, library: VERSION }
}
