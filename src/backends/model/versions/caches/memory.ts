import { checkToken, checkVersionKey, type VersionCache } from '../version-cache.js'

/**
 * Versions in the memory of this process: for a single process, and for tests. Dictionaries share it if they
 * get the same object; other processes do not see it.
 *
 * @example
 * await ModelDict.open(prisma.setting, { cache: memoryVersions() })
 */
export function memoryVersions(): VersionCache {
  const tokens = new Map<string, string>()
  return {
    async get(key) {
      checkVersionKey(key)
      return tokens.get(key)
    },
    async add(key, token) {
      checkVersionKey(key)
      checkToken(token)
      if (tokens.has(key)) return false
      tokens.set(key, token)
      return true
    },
    async incr(key) {
      checkVersionKey(key)
      const token = tokens.get(key)
      if (token === undefined) return undefined
      const next = String(Number(token) + 1)
      tokens.set(key, next)
      return next
    },
  }
}
