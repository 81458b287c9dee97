import type { CatchUp, Change, Effect, Freshness, State, Version } from '../../contract/backend.js'
import { Founder } from './founder.js'
import { type Head, type LoggedChange, type LoggedEffect, parseHead, pastSince, versionOf } from './head.js'
import { Mirror, type Position } from './mirror.js'
import { type Names, unescapeKey } from './names.js'
import { isLoss, type Session, type Watched } from './session.js'
import { fromData, type Stored } from './stored.js'
import { CODE, Refusal, type Stat, type Znode } from './transport.js'

/** How many znodes are read at a time. */
const CHUNK = 500

/** How often a load is begun again while strangers, or cuts of the history, come between. */
const ATTEMPTS = 20

/** How much of the session timeout may have passed since the latest sign of life, before the server is asked for one. */
const TRUSTED = 2 / 3

/** Told of each change that the mirror goes through; of none where it was replaced as a whole. */
type OnMoved = (changes: readonly Change<Stored>[] | undefined) => void

/** What was read of the head: nothing where it has to be made first. */
interface Found {
  readonly position: Position
  readonly mark: number
}

/** Keeps the mirror at what the connected server knows. */
export class Reader {
  readonly #session: Session
  readonly #names: Names
  readonly #founder: Founder
  readonly #onMoved: OnMoved
  #mirror: Mirror | undefined
  /** The session's mark at which the mirror was found to be current, with a watch set. */
  #mark = -1
  #refreshing: Promise<void> | undefined
  #rearming: Promise<void> | undefined
  #loading: Promise<Mirror> | undefined
  readonly #reported = new Set<string>()

  constructor(session: Session, names: Names, onMoved: OnMoved) {
    this.#session = session
    this.#names = names
    this.#onMoved = onMoved
    this.#founder = new Founder(session, names)
  }

  /** What is stored, as far as it was read: everything, the first time. */
  async mirror(): Promise<Mirror> {
    return this.#mirror ?? this.#load(() => {})
  }

  /** Whether the mirror is what the connected server had when it was last heard, and that is not long ago. */
  get isCurrent(): boolean {
    const { connected, heardAt, mark, timeout } = this.#session
    return mark === this.#mark && connected && performance.now() - heardAt <= timeout * TRUSTED
  }

  /** As of when the version is known to be what the connected server has. */
  knownCurrent(version: Version): number | undefined {
    return this.#mirror?.version === version && this.isCurrent ? this.#session.heardAt : undefined
  }

  /** At once where nothing has to be asked. */
  changesSince(since: Version, freshness: Freshness): CatchUp<Stored> | Promise<CatchUp<Stored>> {
    if (freshness !== 'watched' || !this.#mirror || !this.isCurrent) return this.#ask(since, freshness)
    return this.#mirror.since(since, this.#session.heardAt)
  }

  async #ask(since: Version, freshness: Freshness): Promise<CatchUp<Stored>> {
    const askedAt = performance.now()
    const mirror = await this.current(freshness)
    return mirror.since(since, freshness === 'watched' ? Math.min(askedAt, this.#session.heardAt) : undefined)
  }

  /** The mirror, once it is worth what is asked for. */
  async current(freshness: Freshness): Promise<Mirror> {
    if (freshness === 'linearizable') await this.#again(() => this.#barrier())
    const isClean = freshness !== 'confirmed' && this.#mirror && this.isCurrent
    if (!isClean) await this.refresh(freshness === 'confirmed')
    return this.mirror()
  }

  /**
   * A transaction that changes nothing, ordered by the leader and committed by a quorum like any other: at its answer, this
   * server knows all that was acknowledged before it was sent.
   */
  async #barrier(): Promise<void> {
    const nothing = { type: 'check', path: this.#names.path, version: -1 } as const
    await this.#session.multi([nothing]).catch(fault => {
      // Also what is refused is ordered among all others.
      if (isLoss(fault)) throw fault
    })
  }

  /**
   * Brings the mirror to what the connected server has.
   *
   * @param ask - whether the server is asked also where the watch has not fired.
   */
  async refresh(ask = false): Promise<void> {
    await this.#rearming
    if (!ask && this.#mirror && this.isCurrent) return
    this.#refreshing ??= this.#again(() => this.#refresh()).finally(() => {
      this.#refreshing = undefined
    })
    await this.#refreshing
  }

  /** Everything, read anew. */
  async load(progress: () => void): Promise<State<Stored>> {
    await this.#again(() => this.#barrier())
    progress()
    const { entries, version } = await this.#load(progress)
    return { entries: new Map(entries), version }
  }

  /**
   * What a write is best worked out on: what an own one has led to, though the watch that this has fired is not set again
   * yet; else the mirror once it is current.
   */
  latest(): Mirror | Promise<Mirror> {
    return this.#rearming && this.#mirror ? this.#mirror : this.current('watched')
  }

  /**
   * Sets the watch again that an own write fires. Until that is done nothing is read: what is asked after a write is answered
   * after it.
   *
   * @param written - resolves when the mirror holds what was written.
   */
  rearm(written: Promise<void>, watching: Promise<Watched<Stat | undefined>>): void {
    const rearming = Promise.all([watching, written]).then(
      ([{ value, mark }]) => {
        if (value?.mzxid === this.#mirror?.position.zxid) this.#mark = mark
      },
      () => {},
    )
    this.#rearming = rearming
    void rearming.then(() => {
      if (this.#rearming === rearming) this.#rearming = undefined
    })
  }

  /** Takes what was written here into the mirror, unless it was read meanwhile. */
  take(base: Version, change: Change<Stored> | undefined, position: Position): void {
    const mirror = this.#mirror
    if (!mirror || mirror.version !== base || position.zxid <= mirror.position.zxid) return
    mirror.advance(change ? [change] : [], position)
    if (change) this.#onMoved([change])
  }

  /** Cuts the history, since others have put znodes there, or taken some away; then reads everything. */
  async cut(): Promise<void> {
    await this.#again(async () => {
      const { value } = await this.#session.getData(this.#names.version)
      await this.#founder.found(value, value && this.#parse(value))
    })
    await this.#load(() => {})
  }

  /**
   * Sees to it that the path has as many children as the head says. A sign of life of the server, too.
   *
   * @param heard - called when the server has answered.
   */
  async compare(heard: () => void): Promise<void> {
    const mirror = this.#mirror
    const position = mirror?.position
    const { value } = await this.#session.exists(this.#names.path)
    heard()
    // Where memory has moved meanwhile, it cannot be told which of the two is the older one.
    if (!mirror || !position || mirror.position !== position || value?.cversion === position.head.cversion) return
    await this.refresh(true)
    if (mirror.position.zxid === position.zxid) await this.cut()
  }

  async #refresh(): Promise<void> {
    for (;;) {
      const mirror = this.#mirror
      const found = await this.#find()
      if (!found) continue
      if (!mirror || mirror !== this.#mirror) return void (await this.#load(() => {}))
      const { position, mark } = found
      if (position.zxid < mirror.position.zxid) return this.#flee()
      const base = mirror.version
      const changes = await this.#changesTo(position, base)
      if (changes === 'again' || mirror.version !== base) continue
      if (changes === 'gap') return void (await this.#load(() => {}))
      mirror.advance(changes, position)
      this.#mark = mark
      if (changes.length > 0) this.#onMoved(changes)
      return
    }
  }

  /** The server lags behind what was seen, which servers do not let happen: another one is looked for. */
  #flee(): never {
    this.#session.drop()
    throw new Refusal(CODE.CONNECTION_LOSS)
  }

  /** The head, with a watch; nothing where it had to be made first. */
  async #find(): Promise<Found | undefined> {
    const { value, mark } = await this.#session.getData(this.#names.version, true)
    const head = value && this.#parse(value)
    if (value && head) return { position: toPosition(value, head), mark }
    await this.#founder.found(value, undefined)
    return undefined
  }

  #parse(znode: Znode): Head | undefined {
    return parseHead(znode.data, this.#names.path)
  }

  /** What leads from a version to a head, with the values that the log has no room for, read from their znodes. */
  async #changesTo(position: Position, base: Version): Promise<readonly Change<Stored>[] | 'again' | 'gap'> {
    if (versionOf(position.head) === base) return []
    const past = pastSince(position.head, base)
    if (!('changes' in past)) return 'gap'
    const { changes } = past
    if (!changes.some(({ effects }) => effects.some(isUnread))) return changes as readonly Change<Stored>[]
    // As one change: where a value was overwritten meanwhile, what was in between cannot be known.
    const { cleared, effects } = netOf(changes)
    const read = await this.#readKeys([...effects].flatMap(([key, effect]) => (isUnread(effect) ? [key] : [])))
    for (const znode of read.values()) if (znode && znode.stat.mzxid > position.zxid) return 'again'
    if ([...read.values()].includes(undefined)) return (await this.#isStill(position)) ? 'gap' : 'again'
    const withValues = Array.from(effects.values(), effect => withValue(effect, read))
    const all: Effect<Stored>[] = cleared ? [{ type: 'clear' }, ...withValues] : withValues
    const id = changes.length === 1 ? changes[0]?.id : undefined
    return [{ previous: base, version: versionOf(position.head), effects: all, id }]
  }

  async #readKeys(keys: readonly string[]): Promise<Map<string, Znode | undefined>> {
    const read = await Promise.all(keys.map(key => this.#session.getData(this.#names.key(key))))
    return new Map(keys.map((key, index) => [key, read[index]?.value]))
  }

  async #isStill({ znode }: Position): Promise<boolean> {
    return (await this.#session.exists(this.#names.version)).value?.version === znode
  }

  #load(progress: () => void): Promise<Mirror> {
    this.#loading ??= this.#again(() => this.#loadAll(progress)).finally(() => {
      this.#loading = undefined
    })
    return this.#loading
  }

  async #loadAll(progress: () => void): Promise<Mirror> {
    for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
      const loaded = await this.#tryLoad(progress)
      if (loaded) return this.#settle(loaded)
    }
    throw new Error(`The znodes below ${this.#names.path} were altered by others during each of ${ATTEMPTS} attempts.`)
  }

  /** One consistent state: what was read, and on top of it what was changed meanwhile. */
  async #tryLoad(progress: () => void): Promise<{ mirror: Mirror; mark: number } | undefined> {
    const start = await this.#find()
    const children = start && (await this.#session.getChildren(this.#names.path))
    progress()
    if (!start || !children) return undefined
    const entries = await this.#readAll(children.names, progress)
    const mirror = new Mirror(entries, start.position)
    for (;;) {
      const found = await this.#find()
      if (!found) return undefined
      const changes = await this.#changesTo(found.position, mirror.version)
      progress()
      if (changes === 'again') continue
      if (changes === 'gap') return undefined
      mirror.advance(changes, found.position)
      const { value } = await this.#session.exists(this.#names.path)
      if (value?.cversion === found.position.head.cversion) return { mirror, mark: found.mark }
      if (!(await this.#isStill(found.position))) continue
      const { value: znode } = await this.#session.getData(this.#names.version)
      await this.#founder.found(znode, znode && this.#parse(znode))
      return undefined
    }
  }

  #settle({ mirror, mark }: { mirror: Mirror; mark: number }): Mirror {
    const before = this.#mirror
    // A write of this process may have come meanwhile, which what was read need not hold.
    if (before && mirror.position.zxid < before.position.zxid) return before
    this.#mark = mark
    if (!before) {
      this.#mirror = mirror
      return mirror
    }
    const moved = before.version !== mirror.version
    before.replace(mirror.entries, mirror.position)
    if (moved) this.#onMoved(undefined)
    return before
  }

  async #readAll(names: readonly string[], progress: () => void): Promise<Map<string, Stored>> {
    const entries = new Map<string, Stored>()
    const keys = names.flatMap(name => this.#keyOf(name))
    for (let start = 0; start < keys.length; start += CHUNK) {
      for (const [key, znode] of await this.#readKeys(keys.slice(start, start + CHUNK))) {
        if (znode) entries.set(key, fromData(znode.data))
      }
      progress()
    }
    return entries
  }

  /** The key of a child; none where it is no key's, which is reported once. */
  #keyOf(name: string): string[] {
    if (this.#names.isReserved(name)) return []
    const key = unescapeKey(name)
    if (key !== undefined && key !== '') return [key]
    if (!this.#reported.has(name)) {
      this.#reported.add(name)
      const message = `The znode ${this.#names.child(name)} is no key of dictionary "${this.#names.path}", and is left alone.`
      process.emitWarning(message, 'DurableDictWarning', 'DURABLEDICT_FOREIGN_ZNODE')
    }
    return []
  }

  /** Does it again where the connection was lost, once there is another one. */
  async #again<V>(work: () => Promise<V>): Promise<V> {
    for (;;) {
      await this.#session.ready()
      try {
        return await work()
      } catch (fault) {
        if (!isLoss(fault)) throw fault
      }
    }
  }
}

export function toPosition({ stat }: Pick<Znode, 'stat'>, head: Head): Position {
  return { head, znode: stat.version, zxid: stat.mzxid }
}

/** What several changes come to: for each key the last effect, after everything was removed where it was. */
function netOf(changes: readonly LoggedChange[]): { cleared: boolean; effects: Map<string, LoggedEffect> } {
  const effects = new Map<string, LoggedEffect>()
  let cleared = false
  for (const effect of changes.flatMap(change => change.effects)) {
    if (effect.type === 'clear') {
      effects.clear()
      cleared = true
    } else effects.set(effect.key, effect)
  }
  return { cleared, effects }
}

function withValue(effect: LoggedEffect, read: ReadonlyMap<string, Znode | undefined>): Effect<Stored> {
  if (effect.type !== 'set' || effect.stored !== undefined) return effect as Effect<Stored>
  return { type: 'set', key: effect.key, stored: fromData((read.get(effect.key) as Znode).data) }
}

/** Whether its value is to be read from its znode. */
function isUnread(effect: LoggedEffect): boolean {
  return effect.type === 'set' && effect.stored === undefined
}
