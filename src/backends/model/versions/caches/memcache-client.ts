import type { VersionClient } from './outside-versions.js'

/** What is needed of a `MemcacheClient` of memcache-client. */
export interface MemcacheClient {
  readonly options: object
  xretrieve(command: string, key: string): Promise<unknown>
  store(command: string, key: string, value: string, options: object): Promise<unknown>
  incr(key: string, by: number): Promise<unknown>
}

/** `lifetime` is 60 s unless said. */
const FOREVER = { lifetime: 0 }

/** What the server says against a command, the client gives as an error with that text. */
export class MemcacheClientVersions implements VersionClient {
  readonly label = 'memcached'
  readonly #client: MemcacheClient

  /** @throws TypeError if it uses any of several servers. */
  constructor(client: MemcacheClient) {
    this.#client = client
    if (serversOf(client) > 1) {
      throw new TypeError(
        'memcachedVersions() cannot use a MemcacheClient with several servers: it takes any of them for a call, and ' +
          'each has a version of its own. Create it with one server.',
      )
    }
  }

  async get(key: string): Promise<unknown> {
    const found = (await this.#client.xretrieve('get', key)) as { value: unknown } | undefined
    return found?.value
  }

  async add(key: string, token: string): Promise<boolean> {
    return unless('NOT_STORED', false, async () => {
      await this.#client.store('add', key, token, FOREVER)
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
