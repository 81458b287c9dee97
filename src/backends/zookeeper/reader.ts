import type { CatchUp, Change, Freshness, State, Version } from '../../contract/backend.js'
import { now } from '../../time/clock.js'
import { furtherOnly } from './further-only.js'
import type { Past } from './head.js'
import { Mirror, type Position } from './mirror.js'
import type { Names } from './names.js'
import { Repeats } from './repeats.js'
import type { Session, Watched } from './session.js'
import type { Stored } from './stored.js'
import type { Stat } from './transport.js'
import { type Found, Znodes } from './znodes.js'

/** How often a load is begun again while external writers, or cuts of the history, come between. */
const ATTEMPTS = 20

/** How much of the session timeout may have passed since the latest sign of life, before the server is asked for one. */
const TRUSTED = 2 / 3

/** What is known of the keys before anything was read. */
const UNREAD = { nameBytes: Number.POSITIVE_INFINITY }

/** Told of each change that the mirror goes through; of none where it was replaced as a whole. */
type OnMoved = (changes: readonly Change<Stored>[] | undefined) => void

interface Loaded {
  readonly mirror: Mirror
  readonly mark: number
}

/** Keeps the mirror at what the connected server knows. */
export class Reader {
  readonly #session: Session
  readonly #names: Names
  readonly #repeats: Repeats
  readonly #znodes: Znodes
  readonly #onMoved: OnMoved
  #mirror: Mirror | undefined
  /** The session's mark at which the mirror was found to be current, with a watch set. */
  #mark = -1
  #refreshing: Promise<void> | undefined
  #rearming: Promise<void> | undefined
  #loading: Promise<Mirror> | undefined
  #readOnly = false

  constructor(session: Session, names: Names, onMoved: OnMoved) {
    this.#session = session
    this.#names = names
    this.#onMoved = onMoved
    this.#repeats = new Repeats(session, names)
    this.#znodes = new Znodes(session, names)
  }

  /** From now on nothing is created or written. Children that external writers make or remove do not begin a new history. */
  restrictToReads(): void {
    this.#readOnly = true
    this.#znodes.restrictToReads()
  }

  /** @throws TypeError if no dictionary can be at the path. */
  checkPlace(): Promise<void> {
    return this.#repeats.again(() => this.#znodes.checkPlace())
  }

  /** What is stored, as far as it was read: everything, the first time. */
  async mirror(): Promise<Mirror> {
    return this.#mirror ?? this.#load(() => {})
  }

  /** As of when the version is known to be what the connected server has. */
  currentAsOf(version: Version): number | undefined {
    return this.#mirror?.version === version && this.#isCurrent ? this.#session.heardAt : undefined
  }

  /** At once where nothing has to be asked. */
  changesSince(since: Version, freshness: Freshness): CatchUp<Stored> | Promise<CatchUp<Stored>> {
    if (freshness !== 'sequential' || !this.#mirror || !this.#isCurrent) return this.#ask(since, freshness)
    return this.#mirror.since(since, this.#session.heardAt)
  }

  /** The mirror, once it is worth what is asked for. */
  async current(freshness: Freshness): Promise<Mirror> {
    return freshness === 'linearizable'
      ? this.#repeats.afterBarrier(() => this.#current(freshness))
      : this.#current(freshness)
  }

  async #current(freshness: Freshness): Promise<Mirror> {
    const isClean = freshness !== 'confirmed' && this.#mirror && this.#isCurrent
    if (!isClean) await this.refresh(freshness === 'confirmed')
    return this.mirror()
  }

  /**
   * Brings the mirror to what the connected server has.
   *
   * @param ask - whether the server is asked also where the watch has not fired.
   */
  async refresh(ask = false): Promise<void> {
    await this.#rearming
    if (!ask && this.#mirror && this.#isCurrent) return
    // One that is under way may have asked before what this one must see.
    await this.#refreshing?.catch(() => {})
    if (!ask && this.#mirror && this.#isCurrent) return
    this.#refreshing ??= this.#repeats
      .again(() => this.#refresh())
      .finally(() => {
        this.#refreshing = undefined
      })
    await this.#refreshing
  }

  /** Everything, read anew. */
  async load(progress: () => void): Promise<State<Stored>> {
    const { entries, version } = await this.#repeats.afterBarrier(async () => {
      progress()
      // One that is under way may have asked before.
      await this.#loading?.catch(() => {})
      return this.#load(progress)
    })
    return { entries: new Map(entries), version }
  }

  /**
   * What a write is best worked out on: what an own one has led to, though the watch that this has fired is not set again
   * yet; else the mirror once it is current.
   */
  latest(): Mirror | Promise<Mirror> {
    return this.#rearming && this.#mirror ? this.#mirror : this.current('sequential')
  }

  /**
   * After an own write, which fires the watch: takes the next one for set, where it was set on what the mirror holds then.
   *
   * @param watching - the answer to the wish for it, once the mirror holds the write.
   */
  rearm(watching: Promise<Watched<Stat | undefined>>): void {
    const rearming = watching.then(
      ({ value, mark }) => {
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

  /** What led from a version to where the mirror is. */
  past(since: Version, { position }: Mirror): Promise<Past> {
    return this.#repeats.again(() => this.#znodes.past(position.head, since))
  }

  /** Cuts the history, since others have put znodes there, or taken some away; then reads everything. */
  async cut(): Promise<void> {
    await this.#repeats.again(() => this.#znodes.cut())
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
    const cversion = await this.#znodes.cversion(mirror ?? UNREAD)
    heard()
    // Where memory has moved meanwhile, it cannot be told which of the two is the older one.
    if (!mirror || !position || mirror.position !== position || cversion === position.head.cversion) return
    await this.refresh(true)
    if (!this.#readOnly && mirror.position.zxid === position.zxid) await this.cut()
  }

  /** Whether the mirror is what the connected server had when it was last heard, and that is not long ago. */
  get #isCurrent(): boolean {
    const { connected, heardAt, mark, timeout } = this.#session
    return mark === this.#mark && connected && now() - heardAt <= timeout * TRUSTED
  }

  async #ask(since: Version, freshness: Freshness): Promise<CatchUp<Stored>> {
    const askedAt = now()
    const mirror = await this.current(freshness)
    return mirror.since(since, freshness === 'sequential' ? Math.min(askedAt, this.#session.heardAt) : undefined)
  }

  async #refresh(): Promise<void> {
    let keys: Iterable<string> = []
    for (;;) {
      const mirror = this.#mirror
      const known = mirror?.position
      const found = await this.#find(keys)
      if (!found) continue
      const { position, mark } = found
      if (!known || mirror !== this.#mirror || isOlder(position, known)) return void (await this.#load(() => {}))
      // Own writes have overtaken the answer: what they stood on was all that it tells, or more.
      if (isOlder(position, mirror.position)) return
      const base = mirror.version
      const leading = await this.#znodes.changesTo(found, base)
      if (leading.type === 'again') keys = leading.keys
      if (leading.type === 'again' || mirror.version !== base) continue
      if (leading.type === 'gap') return void (await this.#load(() => {}))
      mirror.advance(leading.changes, position)
      this.#mark = mark
      if (leading.changes.length > 0) this.#onMoved(leading.changes)
      return
    }
  }

  /**
   * The head, with a watch; nothing where it had to be made first. Where it is older than what was known before, the server
   * lags behind, or the store was restored: after a barrier, it can only be the latter.
   *
   * @param keys - to be read together with it.
   */
  async #find(keys?: Iterable<string>): Promise<Found | undefined> {
    const known = this.#mirror?.position
    const found = await this.#znodes.find(keys)
    if (!found || !known || !isOlder(found.position, known)) return found
    await this.#repeats.barrier()
    return this.#znodes.find(keys)
  }

  #load(progress: () => void): Promise<Mirror> {
    this.#loading ??= this.#repeats
      .again(() => this.#loadAll(progress))
      .finally(() => {
        this.#loading = undefined
      })
    return this.#loading
  }

  async #loadAll(progress: () => void): Promise<Mirror> {
    const before = this.#mirror?.position
    const onlyForward = furtherOnly(progress)
    for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
      const loaded = await this.#tryLoad(onlyForward())
      if (loaded) return this.#settle(loaded, before)
    }
    throw new Error(`The znodes below ${this.#names.path} were altered by others during each of ${ATTEMPTS} attempts.`)
  }

  /** One consistent state: what was read, and on top of it what was changed meanwhile. */
  async #tryLoad(progress: () => void): Promise<Loaded | undefined> {
    const start = await this.#find()
    if (!start) return undefined
    const [entries, parts] = await Promise.all([this.#znodes.all(progress), this.#znodes.parts()])
    if (!entries) return undefined
    const mirror = new Mirror(entries, start.position, parts)
    let keys: Iterable<string> = []
    for (;;) {
      const found = await this.#find(keys)
      const leading = found && (await this.#znodes.changesTo(found, mirror.version))
      if (!leading || leading.type === 'gap') return undefined
      if (leading.type === 'again') keys = leading.keys
      if (leading.type === 'again') continue
      const { position, mark } = found
      mirror.advance(leading.changes, position)
      const cversion = await this.#znodes.cversion(mirror)
      if (this.#readOnly || cversion === position.head.cversion) return { mirror, mark }
      if (!(await this.#znodes.isStill(position))) continue
      await this.#znodes.cut()
      return undefined
    }
  }

  /** @param since - where the mirror was when the load began. */
  #settle({ mirror, mark }: Loaded, since: Position | undefined): Mirror {
    const before = this.#mirror
    // A write of this process may have come meanwhile, which what was read need not hold.
    if (before && before.position !== since && isOlder(mirror.position, before.position)) return before
    this.#mark = mark
    if (!before) {
      this.#mirror = mirror
      return mirror
    }
    const moved = before.version !== mirror.version
    before.replace(mirror)
    if (moved) this.#onMoved(undefined)
    return before
  }
}

function isOlder(position: Position, other: Position): boolean {
  return position.zxid < other.zxid
}
