import { builtin } from '../process/builtin.js'
import { now } from '../time/clock.js'

/** How many wrong tokens are accepted in a minute. */
const MAX_FAILURES = 5

/** In ms. */
const INTERVAL = 60_000

/** The answer to a token. */
export type Entrance =
  | { readonly type: 'open'; readonly cookie: string }
  | { readonly type: 'wrong' }
  /** Too many were wrong: nobody gets in before this many seconds have passed. */
  | { readonly type: 'closed'; readonly seconds: number }

/** Lets one browser in by a token that works once, and knows it by a cookie from then on. */
export class Door {
  readonly token: string = random()
  readonly #cookie: string
  readonly #session = random()
  #used = false
  #failures: readonly number[] = []

  /** @param name - of the cookie: browsers share cookies among the ports of a host. */
  constructor(name: string) {
    this.#cookie = name
  }

  enter(token: string): Entrance {
    const since = now() - INTERVAL
    this.#failures = this.#failures.filter(at => at > since)
    const [oldest] = this.#failures
    if (oldest !== undefined && this.#failures.length >= MAX_FAILURES)
      return { type: 'closed', seconds: Math.ceil((oldest - since) / 1_000) }
    if (this.#used || !isSame(token, this.token)) {
      this.#failures = [...this.#failures, now()]
      return { type: 'wrong' }
    }
    this.#used = true
    return { type: 'open', cookie: `${this.#cookie}=${this.#session}; Path=/; HttpOnly; SameSite=Strict` }
  }

  /** Whether the request comes from the browser that was let in. */
  knows(request: Request): boolean {
    const cookies = (request.headers.get('cookie') ?? '').split(/;\s*/)
    return cookies.some(
      cookie => cookie.startsWith(`${this.#cookie}=`) && isSame(cookie.split('=')[1] ?? '', this.#session),
    )
  }
}

function random(): string {
  return builtin.crypto.randomBytes(32).toString('base64url')
}

/** Takes the same time whatever differs. */
function isSame(left: string, right: string): boolean {
  const digest = (text: string) => builtin.crypto.createHash('sha256').update(text).digest()
  return builtin.crypto.timingSafeEqual(digest(left), digest(right))
}
