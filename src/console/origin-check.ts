import { Refusal } from './refusal.js'

/**
 * Refuses requests that another site makes in the user's browser (CSRF). Browsers say so in `Sec-Fetch-Site`, and in `Origin`. Nothing but
 * opening the page itself is allowed from another site.
 *
 * @param changes - whether the request may change something: it then needs one of the two headers.
 * @throws Refusal
 */
export function checkOrigin(request: Request, origins: ReadonlySet<string>, isPage: boolean, changes: boolean): void {
  const site = request.headers.get('sec-fetch-site')
  const origin = request.headers.get('origin')
  if (isPage && !changes && isNavigation(request)) return
  if (site !== null) {
    const isOwn = site === 'same-origin' || (site === 'none' && !changes)
    if (!isOwn) throw crossSite()
  }
  if (origin !== null && site === null && !isOwnOrigin(origin, request, origins)) throw crossSite()
  if (changes && site === null && origin === null) throw crossSite('It has neither "Sec-Fetch-Site" nor "Origin".')
}

/** Whether it opens the page as a document of its own: not in a frame, and not as part of another page. */
function isNavigation({ headers }: Request): boolean {
  return headers.get('sec-fetch-mode') === 'navigate' && headers.get('sec-fetch-dest') === 'document'
}

/** A proxy may have terminated TLS: only the hosts are compared. */
function isOwnOrigin(origin: string, request: Request, origins: ReadonlySet<string>): boolean {
  if (origins.size > 0) return origins.has(origin)
  return URL.canParse(origin) && new URL(origin).host === new URL(request.url).host
}

function crossSite(why = 'It was made by another site.'): Refusal {
  return new Refusal(403, 'CROSS_SITE', `The request was refused. ${why}`)
}
