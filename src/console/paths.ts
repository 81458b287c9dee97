import { Refusal } from './refusal.js'
import { ROUTES, type Route } from './routes.js'

/** Where a path leads. */
export interface Found {
  /** Whether another site may link to it. */
  readonly isPage: boolean
  /** Where the page is, seen from a path without its last slash. */
  readonly location?: string
  /** @throws Refusal if the path has no such method. */
  byMethod(method: string): Route
}

/** No part of the console has a path with escapes: they only serve to get past checks of others, such as a proxy. */
export function isSafePath(path: string): boolean {
  return !/%(?:2f|5c|2e|25|00)|\\|\/\//i.test(path)
}

/** Finds what a path ends with: the part before it depends on where the console is mounted, also behind a proxy. */
export function routeOf(path: string): Found | undefined {
  const [, parent = '', name = ''] = /(?:^|\/)([^/]*)\/([^/]*)$/.exec(path) ?? []
  const isApi = parent === 'api'
  const end = isApi ? `api/${name}` : name
  const routes = ROUTES.filter(route => route.path === end)
  if (routes.length > 0) return { isPage: end === '', byMethod: method => byMethod(routes, method) }
  // The page's relative addresses need the slash. "./" keeps a name with a colon from being read as a scheme.
  if (isApi || name.includes('.')) return undefined
  return { isPage: true, location: `./${name}/`, byMethod: () => byMethod([], '') }
}

function byMethod(routes: readonly Route[], method: string): Route {
  const route = routes.find(one => one.method === method || (method === 'HEAD' && one.method === 'GET'))
  if (route) return route
  const allow = routes.map(one => (one.method === 'GET' ? 'GET, HEAD' : one.method)).join(', ')
  throw new Refusal(405, 'METHOD', 'This address does not take this method.', { allow })
}
