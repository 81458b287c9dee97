import type { Registered } from '../../contract/presence.js'
import { Sightings } from '../../contract/sightings.js'
import type { Names } from './names.js'
import { type RegistryRoot, readRoot } from './registry-bounds.js'
import { parseRegistryRecord } from './registry-record.js'
import type { Session } from './session.js'
import { TooLarge, type Znode } from './transport.js'

/** The most records to read: a foreign program may have created more. */
const RECORDS = 10_000

/** The most bytes of all records. */
const BYTES = 16 * 2 ** 20

/** The most records to read with one request. */
const AT_ONCE = 64

/** How long a record that cannot be read counts after it was written, in ms: longer than any replica relies on one. */
const UNREADABLE_TTL = 60_000

/** A znode below the registry. */
interface Read {
  readonly id: string
  readonly znode: Znode
}

/** A record that has expired, as it was read. */
interface Expired {
  readonly id: string
  /** How often it was written. */
  readonly version: number
}

/** The records as they were read. */
export interface FoundRegistry {
  readonly root: RegistryRoot
  readonly replicas: readonly Registered[]
  readonly expired: readonly Expired[]
  /** Describes what could not be read. */
  readonly damage?: string | undefined
}

/**
 * Reads the records of the registry. Each read must follow a write or a barrier on the same session: a renewal that a lagging server
 * does not know yet would look like none.
 */
export class RegistryReader {
  readonly #session: Session
  readonly #names: Names
  readonly #sightings = new Sightings()
  /** The records of the latest read: probably those of the next one. */
  #known: readonly string[] = []

  constructor(session: Session, names: Names) {
    this.#session = session
    this.#names = names
  }

  async read(): Promise<FoundRegistry> {
    const known = this.#known.slice(0, AT_ONCE)
    const [children, root, early] = await Promise.all([
      this.#session.getChildren(this.#names.registry),
      readRoot(this.#session, this.#names),
      this.#each(known).catch(ignoreLength),
    ])
    const names = children?.names ?? []
    this.#known = names.slice(0, AT_ONCE)
    try {
      return this.#sort(root, await this.#all(names, new Map(early?.map(one => [one.id, one]))))
    } catch (fault) {
      if (!(fault instanceof TooLarge)) throw fault
      return { root, replicas: [], expired: [], damage: `${this.#where}, which are too large` }
    }
  }

  /** Reads some records. Those that are gone are missing. */
  async some(ids: readonly string[]): Promise<Read[]> {
    const read: Read[] = []
    for (let at = 0; at < ids.length; at += AT_ONCE) read.push(...(await this.#each(ids.slice(at, at + AT_ONCE))))
    return read
  }

  /** @throws TooLarge if a foreign program has written more than all replicas do. */
  async #all(names: readonly string[], early: ReadonlyMap<string, Read>): Promise<Read[]> {
    if (names.length > RECORDS) throw new TooLarge(names.length)
    const read = names.flatMap(name => early.get(name) ?? [])
    const rest = names.filter(name => !early.has(name))
    let bytes = 0
    for (let at = 0; at < rest.length; at += AT_ONCE) {
      const some = await this.#each(rest.slice(at, at + AT_ONCE))
      bytes += some.reduce((sum, { znode }) => sum + znode.data.length, 0)
      if (bytes > BYTES) throw new TooLarge(bytes)
      read.push(...some)
    }
    return read
  }

  async #each(ids: readonly string[]): Promise<Read[]> {
    if (ids.length === 0) return []
    const znodes = await this.#session.getEach(ids.map(id => this.#names.record(id)))
    return ids.flatMap((id, index) => {
      const znode = znodes[index]
      return znode ? [{ id, znode }] : []
    })
  }

  #sort(root: RegistryRoot, read: readonly Read[]): FoundRegistry {
    const parsed = read.map(one => ({ ...one, record: parseRegistryRecord(one.id, one.znode.data) }))
    const gone = this.#sightings.expired(
      parsed.map(({ id, znode, record }) => ({ id, renewal: znode.stat.mzxid, ttl: record?.ttl ?? UNREADABLE_TTL })),
    )
    const valid = parsed.filter(({ id }) => !gone.has(id))
    const replicas = valid.flatMap(({ record, znode }) =>
      record ? [{ ...record.presence, seenAgo: this.#session.ageOf(znode.stat) }] : [],
    )
    return {
      root,
      replicas,
      expired: parsed.filter(({ id }) => gone.has(id)).map(({ id, znode }) => ({ id, version: znode.stat.version })),
      ...(replicas.length < valid.length && { damage: this.#where }),
    }
  }

  get #where(): string {
    return `records of replicas (znodes below ${this.#names.registry})`
  }
}

/** They are read again with the others. */
function ignoreLength(fault: unknown): undefined {
  if (!(fault instanceof TooLarge)) throw fault
}
