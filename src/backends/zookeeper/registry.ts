import type { Version } from '../../contract/backend.js'
import { pollAcknowledgements } from '../../contract/poll-acknowledgements.js'
import type { Presence, Registry as Registered, Registration } from '../../contract/presence.js'
import { orAborted } from '../../time/or-aborted.js'
import { within } from '../../time/within.js'
import type { Rewrite } from './head-rewrites.js'
import type { Names } from './names.js'
import type { Reader } from './reader.js'
import { lowerBounds, raiseBounds, readRoot, writing } from './registry-bounds.js'
import { type FoundRegistry, RegistryReader } from './registry-reader.js'
import { formatRegistryRecord, parseRegistryRecord, type RegistryRecord, unregisteredOf } from './registry-record.js'
import { Repeats } from './repeats.js'
import type { Session } from './session.js'
import { CODE, Refusal, type Stat, type Step } from './transport.js'

/** How long to wait for the answer to a farewell, in ms. */
const PATIENCE = 150

/** How often a registration is tried while others change the registry. */
const ATTEMPTS = 50

/** How many replicas look for expired records in each round of renewals, on average. */
const CLEANERS = 8

/** The replicas of one dictionary: a znode for each, below one znode. */
export class Registry {
  readonly #session: Session
  readonly #reader: Reader
  readonly #names: Names
  readonly #repeats: Repeats
  readonly #records: RegistryReader
  readonly #rewrite: (rewrite: Rewrite) => Promise<void>
  /** What this process has registered. */
  readonly #own = new Map<string, RegistryRecord>()
  /** How many records there were. */
  #count = 0

  /** @param rewrite - writes the head although nothing changed. */
  constructor(session: Session, reader: Reader, names: Names, rewrite: (rewrite: Rewrite) => Promise<void>) {
    this.#session = session
    this.#reader = reader
    this.#names = names
    this.#rewrite = rewrite
    this.#repeats = new Repeats(session, names)
    this.#records = new RegistryReader(session, names)
  }

  registerMaxStaleness(ms: number): Promise<void> {
    return this.#rewrite(raiseBounds(this.#session, this.#names, { unregistered: ms }))
  }

  async register(presence: Presence, ttl: number): Promise<Registration> {
    const record = { presence, ttl }
    const renewed = await this.#repeats.retry(() => this.#write(record))
    this.#own.set(presence.id, record)
    if (Math.random() * this.#count < CLEANERS) await this.#clean()
    // The write went through the leader: what this server knows now is the current state.
    const { version, position } = await this.#reader.current('sequential')
    return { renewed, version, bound: position.head.bound }
  }

  /** Waits for a silent server only briefly, because dictionaries leave when they are closed. A record that stays expires. */
  async leave(id: string): Promise<void> {
    this.#own.delete(id)
    const removal: Step = { type: 'delete', path: this.#names.record(id), version: -1 }
    const late = new Error('The server is silent.')
    const leaving = within(
      PATIENCE,
      () => this.#repeats.retry(() => this.#unlessGone(removal)),
      undefined,
      () => late,
    )
    await leaving.catch(fault => {
      if (fault !== late) throw fault
    })
  }

  async replicas(): Promise<Registered> {
    const { position } = await this.#reader.current('linearizable')
    return this.#toRegistry(await this.#repeats.retry(() => this.#records.read()), position.head.bound)
  }

  /**
   * Who may rely on memory since a write of this session. The server answers in order, so that the records are at least as new as the
   * write. A replica that registered later made its first check after that, and has seen the write.
   *
   * @param bound - that was recorded when the write was executed.
   */
  async afterWrite(bound: number, signal: AbortSignal): Promise<Registered> {
    try {
      const reading = this.#repeats.retry(() => this.#records.read())
      return this.#toRegistry(await orAborted(reading, signal), bound)
    } catch {
      // The write is durable. Its caller waits for the recorded bound instead.
      return { replicas: [], unregistered: bound, damage: `the registry (znode ${this.#names.registry})` }
    }
  }

  async acknowledge(id: string, version: Version): Promise<void> {
    const record = this.#own.get(id) ?? (await this.#repeats.retry(() => this.#recordOf(id)))
    if (!record) return
    const held = { ...record, presence: { ...record.presence, version } }
    if (this.#own.has(id)) this.#own.set(id, held)
    const step: Step = { type: 'set', path: this.#names.record(id), data: formatRegistryRecord(held), version: -1 }
    await this.#repeats.retry(() => this.#unlessGone(step))
  }

  awaitAcknowledgements(
    version: Version,
    ids: readonly string[],
    acknowledged: (id: string) => void,
    signal: AbortSignal,
  ): Promise<void> {
    const look = (waiting: readonly string[]) =>
      orAborted(
        this.#repeats.retry(() => this.#whoHolds(version, waiting)),
        signal,
      )
    return pollAcknowledgements(ids, look, acknowledged, signal)
  }

  /** Those whose records say that they hold the version or a later one, and those without a record. */
  async #whoHolds(version: Version, ids: readonly string[]): Promise<string[]> {
    const read = new Map((await this.#records.some(ids)).map(({ id, znode }) => [id, znode]))
    const found: string[] = []
    for (const id of ids) {
      const znode = read.get(id)
      const held = znode && parseRegistryRecord(id, znode.data)?.presence.version
      if (!znode || (held !== undefined && (await this.#includes(held, version)))) found.push(id)
    }
    return found
  }

  /**
   * Whether a version follows another one, as far as this process has seen the changes in between. Numbers alone do not tell: after a
   * restore, another change has the number.
   */
  async #includes(held: Version, version: Version): Promise<boolean> {
    if (held === version) return true
    const isKnown = async () => (await this.#reader.mirror()).leadsTo(version, held)
    if (await isKnown()) return true
    await this.#reader.current('sequential')
    return isKnown()
  }

  /** Returns whether the record existed before. */
  async #write(record: RegistryRecord): Promise<boolean> {
    const { id, bound = 0 } = record.presence
    const path = this.#names.record(id)
    const data = formatRegistryRecord(record)
    const renewal: Step = { type: 'set', path, data, version: -1 }
    const before = this.#own.get(id)?.presence
    if (before && bound <= (before.bound ?? 0) && (await this.#unlessGone(renewal))) return true
    for (let attempt = 0; ; attempt += 1) {
      const check = await this.#covering(bound)
      try {
        await this.#session.multi([check, { type: 'create', path, data }])
        return false
      } catch (fault) {
        const isThere = fault instanceof Refusal && fault.code === CODE.NODE_EXISTS
        if (isThere && (await this.#unlessGone(renewal, check))) return true
        if (attempt === ATTEMPTS || !(isThere || isOvertaken(fault))) throw fault
      }
    }
  }

  /** Records the bound for releases without a registry. Returns a step that fails if somebody may have lowered it since. */
  async #covering(bound: number): Promise<Step> {
    for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
      const { znode, state } = await readRoot(this.#session, this.#names)
      const { position } = await this.#reader.mirror()
      const isCovered =
        bound === 0 || (state && !state.shrinking && Math.min(state.covered, position.head.bound) >= bound)
      if (znode && state && isCovered) return { type: 'check', path: this.#names.registry, version: znode.stat.version }
      await this.#rewrite(raiseBounds(this.#session, this.#names, { covered: bound }))
    }
    throw new Error(
      `The znode ${this.#names.registry} was changed during each of ${ATTEMPTS} attempts. Find out what changes it.`,
    )
  }

  /** Executes a step on a record, after another one. Returns false if there is no record, or the other step fails. */
  async #unlessGone(step: Step, before?: Step): Promise<boolean> {
    try {
      await this.#session.multi(before ? [before, step] : [step])
      return true
    } catch (fault) {
      if (!isOvertaken(fault)) throw fault
      return false
    }
  }

  async #recordOf(id: string): Promise<RegistryRecord | undefined> {
    const { value } = await this.#session.getData(this.#names.record(id))
    return value && parseRegistryRecord(id, value.data)
  }

  /** Drops expired records, and lowers the recorded bound. What fails is left to the next renewal. */
  async #clean(): Promise<void> {
    try {
      const found = await this.#records.read()
      this.#count = found.replicas.length
      const removals = found.expired.map(({ id, version }) =>
        this.#session.multi([{ type: 'delete', path: this.#names.record(id), version }]),
      )
      await Promise.allSettled(removals)
      await this.#shrink(found)
    } catch {}
  }

  /**
   * Lowers the recorded bound if no record needs it. Each process that registers a bound checks that the znode above the records is unchanged. So
   * the records are listed again after it was marked, and the mark makes every later registration fail or cancel this.
   */
  async #shrink({ root: { znode, state }, replicas, damage }: FoundRegistry): Promise<void> {
    if (!znode || !state || damage !== undefined || neededBy(replicas) >= state.covered) return
    const marked = writing({ znode, state }, this.#names, { ...state, shrinking: true })
    const { value } = await this.#session.multi([marked])
    const { version } = value[0] as Stat
    const again = await this.#records.read()
    const needed = neededBy(again.replicas)
    if (again.damage === undefined && needed < state.covered) {
      await this.#rewrite(lowerBounds(this.#session, this.#names, needed, version))
    }
  }

  #toRegistry({ root, replicas, damage }: FoundRegistry, bound: number): Registered {
    return { replicas, unregistered: unregisteredOf(bound, root.state), ...(damage !== undefined && { damage }) }
  }
}

function neededBy(replicas: Registered['replicas']): number {
  return replicas.reduce((most, { bound = 0 }) => Math.max(most, bound), 0)
}

function isOvertaken(fault: unknown): boolean {
  return fault instanceof Refusal && (fault.code === CODE.NO_NODE || fault.code === CODE.BAD_VERSION)
}
