/** The keys of one dictionary in Redis, all in one hash slot. The channel has the same name as `meta`. */
export interface Keys {
  /** The entries: a plain hash. */
  readonly entries: string
  /** The metadata. */
  readonly meta: string
  /** The change log. */
  readonly log: string
  /** A copy of the version, for cheap checks. */
  readonly head: string
  /** The history of commits, and the start of the names of its other keys. */
  readonly history: string
  /** The registry of replicas, and its two indexes. */
  readonly replicas: string
  readonly seen: string
  readonly bounds: string
}

/**
 * Returns the keys of the dictionary with this name. The entries are stored under the name itself, so that an
 * existing hash is found; the other keys are derived from it. Braces, which mark the hash slot in Redis Cluster, are
 * percent-encoded, and so is `%`.
 */
export function keysOf(name: string): Keys {
  const safe = name.replace(/[{}%]/g, character => `%${character.charCodeAt(0).toString(16).toUpperCase()}`)
  const put = (suffix: string) => `{${safe}}:${suffix}`
  return {
    entries: safe,
    meta: put('meta'),
    log: put('log'),
    head: put('head'),
    history: put('history'),
    replicas: put('replicas'),
    seen: put('replicas:seen'),
    bounds: put('replicas:bounds'),
  }
}

/** @throws TypeError if the name is not a non-empty, well-formed string. */
export function checkName(name: unknown): string {
  if (typeof name === 'string' && name !== '' && name.isWellFormed()) return name
  throw new TypeError(`A RedisDict's name must be a non-empty, well-formed string; got ${JSON.stringify(name)}.`)
}
