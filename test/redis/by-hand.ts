import { keysOf } from '../../src/backends/redis/names.js'
import { briefly, nextVersion } from '../../src/backends/redis/nonces.js'
import { SCRIPTS, type Script } from '../../src/backends/redis/script.js'

interface Client {
  sendCommand(args: string[]): Promise<unknown>
}

/** The parsed reply of the commit script. */
export interface Answer {
  readonly status: string
  readonly head: string
  readonly bound: string
  readonly codes?: string
  readonly values?: string[]
  readonly changes?: string[]
  readonly position?: number
  readonly diverged?: number
}

let stores = 0
let nonces = 0

/** A separate dictionary, whose scripts the test calls directly. */
export class ByHand {
  readonly keys: ReturnType<typeof keysOf>
  readonly #client: Client

  constructor(client: Client) {
    stores += 1
    this.keys = keysOf(`by hand ${stores}`)
    this.#client = client
  }

  send(...args: string[]): Promise<unknown> {
    return this.#client.sendCommand(args)
  }

  run(script: Script, ...args: string[]): Promise<unknown> {
    const keys = script.keys.map(key => this.keys[key])
    return this.send('eval', script.source, String(keys.length), ...keys, ...args)
  }

  pull(since: string, most = -1, ...rest: string[]): Promise<unknown> {
    nonces += 1
    return this.run(SCRIPTS.pull, since, `pull${nonces}`, String(most), ...rest)
  }

  async head(): Promise<string> {
    return ((await this.pull('')) as string[])[1] as string
  }

  /** @param id - with the number of the attempt, and the flags: 'id.1 r'. */
  async commit(base: string, id: string, ...operations: string[]): Promise<Answer> {
    const [nonce = '', flags = ''] = id.split(' ')
    const [kind, key = '', value = '', ...others] = operations
    const isShort = flags === '' && kind === 's' && others.length === 0
    const short = isShort ? await this.short(base, nonce, key, value) : -1
    const reply = short === -1 ? await this.run(SCRIPTS.commit, base, nonce, flags, 'entropy', ...operations) : short
    if (Array.isArray(reply)) return takeApart(reply)
    return { status: 'ok', head: nextVersion(base, nonce), bound: String(reply), codes: 'u', values: [], changes: [] }
  }

  /** One set in the short form. */
  short(base: string, nonce: string, key: string, value: string): Promise<unknown> {
    return this.send('eval', SCRIPTS.commit.source, '1', this.keys.entries, briefly(base, nonce), key, value)
  }

  async entries(): Promise<Record<string, string>> {
    return Object.fromEntries(Object.entries((await this.send('hgetall', this.keys.entries)) as object)) as never
  }

  /** All keys of the dictionary with their contents, however the server encodes them. */
  async contents(): Promise<unknown> {
    const keys = ((await this.send('keys', '*')) as string[]).filter(key => key.includes(this.keys.entries)).sort()
    return Promise.all(keys.map(async key => [key, await this.#contents(key)]))
  }

  async #contents(key: string): Promise<unknown> {
    const type = String(await this.send('type', key))
    if (type === 'hash') return Object.entries((await this.send('hgetall', key)) as object).sort()
    if (type === 'list') return this.send('lrange', key, '0', '-1')
    if (type === 'zset') return this.send('zrange', key, '0', '-1')
    return this.send('get', key)
  }

  seal(): Promise<unknown> {
    return this.send('hget', this.keys.meta, 'seal')
  }

  async log(): Promise<unknown[][]> {
    return ((await this.send('lrange', this.keys.log, '0', '-1')) as string[]).map(text => JSON.parse(unsealed(text)))
  }
}

/** A change without its seal. */
export function unsealed(change: string): string {
  return change.slice(20)
}

function takeApart(reply: (string | number)[]): Answer {
  const [status, head, bound, fourth] = reply as [string, string, string, string & number]
  if (status === 'stale') return { status, head, bound, diverged: fourth }
  if (status === 'dup') return { status, head, bound, position: fourth, changes: reply.slice(4) as string[] }
  const count = reply[4] as number
  const values = reply.slice(5, 5 + count) as string[]
  return { status, head, bound, codes: fourth, values, changes: reply.slice(5 + count) as string[] }
}
