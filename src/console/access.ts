import type { ConsoleAction, ConsoleUser } from './options.js'
import { forbidden, Refusal } from './refusal.js'

/** The longest name of a user, in bytes of UTF-8: that of `by`. */
const MAX_USER = 256

/** The rights of the user of one request. All code that answers requests asks here, and nowhere else. */
export class Access {
  readonly user: string
  readonly readOnly: boolean
  /** Whether the user may see which processes hold the dictionary. */
  readonly replicas: boolean
  readonly #can: ConsoleUser['can']

  /** @throws Refusal unless `authorized` names a user. */
  constructor(authorized: ConsoleUser | undefined, readOnly: boolean) {
    // `request.user && { user: … }` may be false, or empty.
    if (!authorized) throw forbidden('You are not signed in, or may not use this console.')
    this.user = checkUser(authorized.user)
    this.#can = authorized.can
    this.replicas = authorized.replicas ?? authorized.can === undefined
    this.readOnly = readOnly
  }

  /** Whether the user may do this to the key. Only `true` allows it. */
  async can(action: ConsoleAction, key: string): Promise<boolean> {
    if (action === 'write' && this.readOnly) return false
    if (this.#can === undefined) return true
    if (action === 'write' && (await this.#can('read', key)) !== true) return false
    return (await this.#can(action, key)) === true
  }

  /** @throws Refusal */
  async require(action: ConsoleAction, key: string): Promise<void> {
    if (await this.can(action, key)) return
    throw forbidden(`You may not ${action === 'read' ? 'see' : 'change'} this key.`)
  }

  /** @throws Refusal */
  requireWritable(): void {
    if (this.readOnly) throw forbidden('This console is read-only.')
  }

  /** @throws Refusal */
  requireReplicas(): void {
    if (!this.replicas) throw forbidden('You may not see the replicas.')
  }

  /** The keys that the user may see. */
  async readable(keys: readonly string[]): Promise<readonly string[]> {
    if (this.#can === undefined) return keys
    const allowed = await Promise.all(keys.map(key => this.can('read', key)))
    return keys.filter((_, index) => allowed[index])
  }
}

function checkUser(user: unknown): string {
  const fits = typeof user === 'string' && user !== '' && user.isWellFormed() && !user.includes('\0')
  if (fits && Buffer.byteLength(user) <= MAX_USER) return user
  throw new Refusal(
    500,
    'AUTHORIZE',
    `"authorize" must return a "user" that is a non-empty text of at most ${MAX_USER} bytes, or undefined.`,
  )
}
