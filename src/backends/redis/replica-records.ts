import type { Presence, Registered, Registry } from '../../contract/presence.js'
import { Sightings } from '../../contract/sightings.js'
import { isVersion } from './nonces.js'
import { countOf, listOf, textOf } from './shape.js'

/** The record of a replica as JSON; see scripts/registry.lua. */
export function recordOf({ host, pid, service, library, bound, live }: Presence): string {
  return JSON.stringify({ format: 1, host, pid, service, library, bound, live })
}

/** What the field `<id>:at` says. */
interface Seen {
  readonly renewal: string
  /** The server's clock at the latest renewal, in ms since 1970. */
  readonly at: number
  /** For how long the record counts, in ms. */
  readonly ttl: number
}

export function parseSeen(text: unknown): Seen | undefined {
  const [, seconds, ttl] = (typeof text === 'string' && /^(\d{1,12}\.\d{6}) (\d+(?:\.\d+)?)$/.exec(text)) || []
  return seconds && ttl ? { renewal: text as string, at: Number(seconds) * 1_000, ttl: Number(ttl) } : undefined
}

/** Reads registries. One of these remembers what it has seen, and leaves out records that have expired by its own clock. */
export class RegistryReader {
  readonly #sightings = new Sightings()

  /**
   * @param reply - of `read_registry` in scripts/registry.lua.
   * @throws StoreUnavailableError if the script cannot have sent it.
   */
  read(reply: unknown): Registry {
    const [clock, unregistered, ...fields] = listOf(reply, 2)
    const texts = new Map<string, string>()
    for (let at = 0; at + 1 < fields.length; at += 2) texts.set(textOf(fields[at]), textOf(fields[at + 1]))
    const ids = [...texts.keys()].filter(field => !field.includes(':'))
    const found = ids.map(id => ({ id, seen: parseSeen(texts.get(`${id}:at`)), text: texts.get(id) as string }))
    const known = found.flatMap(({ id, seen, text }) => {
      const presence = seen && parsePresence(id, text, texts.get(`${id}:version`))
      return presence ? [{ presence, seen }] : []
    })
    const expired = this.#sightings.expired(known.map(({ presence, seen }) => ({ id: presence.id, ...seen })))
    // Without the right to read the clock, the latest renewal was just now.
    const present = countOf(clock) || Math.max(0, ...known.map(({ seen }) => seen.at))
    const replicas = known
      .filter(({ presence }) => !expired.has(presence.id))
      .map(({ presence, seen }): Registered => ({ ...presence, seenAgo: Math.max(0, present - seen.at) }))
    const damaged = found.length - known.length
    return {
      replicas,
      unregistered: Number(textOf(unregistered)),
      ...(damaged > 0 && { damage: `${damaged} of ${found.length} records of the registry of replicas` }),
    }
  }
}

/** Returns `undefined` if the record is malformed. Ignores members that it does not know. */
function parsePresence(id: string, text: string, version: string | undefined): Presence | undefined {
  const { host, pid, service, library, bound, live } = parseObject(text)
  if (typeof host !== 'string' || !Number.isSafeInteger(pid) || typeof library !== 'string') return undefined
  if (service !== undefined && typeof service !== 'string') return undefined
  if (bound !== undefined && !(Number.isFinite(bound) && (bound as number) >= 0)) return undefined
  return {
    id,
    host,
    pid: pid as number,
    ...(service !== undefined && { service }),
    library,
    ...(bound !== undefined && { bound: bound as number }),
    live: live === true,
    ...(isVersion(version) && { version }),
  }
}

function parseObject(text: string): Readonly<Record<string, unknown>> {
  try {
    const parsed: unknown = JSON.parse(text)
    return typeof parsed === 'object' && parsed !== null ? (parsed as Record<string, unknown>) : {}
  } catch {
    return {}
  }
}
