import type { Version } from '../../contract/backend.js'
import type { Presence, Registered, Registration, Registry } from '../../contract/presence.js'
import { now } from '../../time/clock.js'

interface Record {
  readonly presence: Presence
  readonly renewedAt: number
  readonly ttl: number
}

/** Waits until replicas hold a version. */
interface Waiting {
  readonly version: Version
  readonly ids: Set<string>
  readonly acknowledged: (id: string) => void
  readonly settle: () => void
}

/** The replicas of a `MemoryStore`. Records expire on the monotonic clock, which all of them share. */
export class MemoryRegistry {
  readonly #records = new Map<string, Record>()
  readonly #waiting = new Set<Waiting>()
  readonly #includes: (held: Version, version: Version) => boolean
  /** The largest bound of replicas without a record. */
  #unregistered = 0
  /** The largest bound of a record, or more: records expire unnoticed until the next renewal. */
  #covered = 0

  /** @param includes - whether the state of one version is that of another one or a later one. */
  constructor(includes: (held: Version, version: Version) => boolean) {
    this.#includes = includes
  }

  /** The largest recorded bound. It costs nothing to read. */
  get bound(): number {
    return Math.max(this.#unregistered, this.#covered)
  }

  registerMaxStaleness(ms: number): void {
    this.#unregistered = Math.max(this.#unregistered, ms)
  }

  register(presence: Presence, ttl: number): Registration {
    const renewed = this.#records.has(presence.id)
    this.#records.set(presence.id, { presence, renewedAt: now(), ttl })
    this.#expire()
    this.#changed(presence.id)
    return { renewed, bound: this.bound }
  }

  leave(id: string): void {
    this.#records.delete(id)
    this.#expire()
    this.#changed(id)
  }

  acknowledge(id: string, version: Version): void {
    const record = this.#records.get(id)
    if (!record) return
    this.#records.set(id, { ...record, presence: { ...record.presence, version } })
    this.#changed(id)
  }

  read(): Registry {
    const replicas = [...this.#records.values()].filter(record => !isExpired(record)).map(toRegistered)
    return { replicas, unregistered: this.#unregistered }
  }

  /** Resolves when each was acknowledged, or when the signal is aborted. */
  await(
    version: Version,
    ids: readonly string[],
    acknowledged: (id: string) => void,
    signal: AbortSignal,
  ): Promise<void> {
    return new Promise(resolve => {
      const settle = () => {
        this.#waiting.delete(waiting)
        signal.removeEventListener('abort', settle)
        resolve()
      }
      const waiting = { version, ids: new Set(ids), acknowledged, settle }
      this.#waiting.add(waiting)
      signal.addEventListener('abort', settle)
      if (signal.aborted || ids.length === 0) settle()
      for (const id of ids) this.#compare(waiting, id)
    })
  }

  #changed(id: string): void {
    for (const waiting of this.#waiting) this.#compare(waiting, id)
  }

  #compare({ version, ids, acknowledged, settle }: Waiting, id: string): void {
    const held = this.#records.get(id)?.presence
    if (held && !(held.version !== undefined && this.#includes(held.version, version))) return
    if (!ids.delete(id)) return
    acknowledged(id)
    if (ids.size === 0) settle()
  }

  #expire(): void {
    const expired = [...this.#records].filter(([, record]) => isExpired(record))
    for (const [id] of expired) this.#records.delete(id)
    this.#covered = Math.max(0, ...Array.from(this.#records.values(), ({ presence }) => presence.bound ?? 0))
    for (const [id] of expired) this.#changed(id)
  }
}

function isExpired({ renewedAt, ttl }: Record): boolean {
  return now() - renewedAt > ttl
}

function toRegistered({ presence, renewedAt }: Record): Registered {
  return { ...presence, seenAgo: now() - renewedAt }
}
