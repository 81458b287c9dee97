/** The keys that one dictionary has in Redis; all of them in one hash slot. The channel bears the name of `meta`. */
export interface Keys {
  /** The entries: a plain hash. */
  readonly entries: string
  /** What is known of them. */
  readonly meta: string
  /** The changes. */
  readonly log: string
}

/**
 * The keys of the dictionary of that name: the entries under the name itself, so that a hash that was there before is
 * found, the others beside it. Braces, which Redis Cluster takes for the hash slot, are percent-encoded, and so is `%`.
 */
export function keysOf(name: string): Keys {
  const safe = name.replace(/[{}%]/g, character => `%${character.charCodeAt(0).toString(16).toUpperCase()}`)
  return { entries: safe, meta: `{${safe}}:meta`, log: `{${safe}}:log` }
}

/** @throws TypeError unless it is a non-empty, well-formed string. */
export function checkName(name: unknown): string {
  if (typeof name === 'string' && name !== '' && name.isWellFormed()) return name
  throw new TypeError(`A RedisDict's name must be a non-empty, well-formed string; got ${JSON.stringify(name)}.`)
}
