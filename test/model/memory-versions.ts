import type { VersionCache } from '../../src/index.js'

/** A version cache in memory, whose contents tests can inspect. */
export interface TestCache extends VersionCache {
  readonly tokens: Map<string, string>
  /** Called before each call; may fail or delay it. */
  before: (call: 'get' | 'add' | 'incr') => unknown
  /** Called after each call. */
  after: (call: 'get' | 'add' | 'incr') => unknown
}

export function memoryVersions(): TestCache {
  const tokens = new Map<string, string>()
  const cache: TestCache = {
    tokens,
    before: () => {},
    after: () => {},
    get: key => around('get', () => tokens.get(key)),
    add: (key, token) =>
      around('add', () => {
        if (tokens.has(key)) return false
        tokens.set(key, token)
        return true
      }),
    incr: key =>
      around('incr', () => {
        const token = tokens.get(key)
        if (token === undefined) return undefined
        const next = String(Number(token) + 1)
        tokens.set(key, next)
        return next
      }),
  }
  async function around<V>(call: 'get' | 'add' | 'incr', work: () => V): Promise<V> {
    await cache.before(call)
    const answer = work()
    await cache.after(call)
    return answer
  }
  return cache
}
