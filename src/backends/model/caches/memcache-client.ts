import type { VersionClient } from './outside-versions.js'

/** What is needed of a `MemcacheClient` of memcache-client. */
export interface MemcacheClient {
  readonly options: object
  xretrieve(command: string, keys: string[]): Promise<unknown>
  store(command: string, key: string, value: string, options: object): Promise<unknown>
  incr(key: string, by: number): Promise<unknown>
}

/** `lifetime` is 60 s unless said. */
const FOREVER = { lifetime: 0 }

/**
 * Over the text protocol, whose answers come in the order of the questions. The client gives what the server says against
 * a command as an error with that text.
 */
export class MemcacheClientVersions implements VersionClient {
  readonly label = 'memcached'
  readonly #client: MemcacheClient

  /** @throws TypeError where it takes any of several servers. */
  constructor(client: MemcacheClient) {
    this.#client = client
    if (serversOf(client) > 1) {
      throw new TypeError(
        'memcachedVersions() cannot use a MemcacheClient with several servers: it takes any of them for a call, and each ' +
          'has a version of its own. Create it with one server.',
      )
    }
  }

  /** By a list of keys, since the answer then tells which one it is about. */
  async get(key: string): Promise<unknown> {
    const found = (await this.#client.xretrieve('get', [key])) as Record<string, { value?: unknown }>
    const keys = Object.keys(found)
    if (keys.length === 0) return undefined
    if (keys.length > 1 || keys[0] !== key) throw new Error('the client gave no answer to the question')
    return found[key]?.value
  }

  async add(key: string, token: string): Promise<boolean> {
    return unless('NOT_STORED', false, async () => {
      const answer = await this.#client.store('add', key, token, FOREVER)
      if (!Array.isArray(answer) || answer[0] !== 'STORED') throw new Error('the client gave no answer to the question')
      return true
    })
  }

  async incr(key: string): Promise<unknown> {
    return unless('NOT_FOUND', undefined, () => this.#client.incr(key, 1))
  }
}

/** The call's result, or `otherwise` where the server has answered with that. */
async function unless<T>(answer: string, otherwise: T, call: () => Promise<T>): Promise<T> {
  try {
    return await call()
  } catch (error) {
    if (error instanceof Error && error.message === answer) return otherwise
    throw error
  }
}

function serversOf(client: MemcacheClient): number {
  const { server } = client.options as { server?: { servers?: unknown } | string }
  const servers = typeof server === 'object' ? server?.servers : undefined
  return Array.isArray(servers) ? servers.length : 1
}
