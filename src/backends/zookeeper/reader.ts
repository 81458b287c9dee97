import type { CatchUp, Change, Freshness, State, Version } from '../../contract/backend.js'
import { now } from '../../time/clock.js'
import { furtherOnly } from './further-only.js'
import type { Past } from './head.js'
import { Mirror, type Position } from './mirror.js'
import type { Names } from './names.js'
import { type Found as FoundOutside, findOutside, type Recorded } from './outside.js'
import { Repeats } from './repeats.js'
import type { Session, Watched } from './session.js'
import type { Stored } from './stored.js'
import type { Stat } from './transport.js'
import { type Found, Znodes } from './znodes.js'

/** How many times a load is attempted while external writers, or cuts of the history, interfere. */
const ATTEMPTS = 20

/** The part of the session timeout that may pass after the latest sign of life before the server is asked for another. */
const TRUSTED = 2 / 3

/** The state before anything was read. */
const UNREAD = { nameBytes: Number.POSITIVE_INFINITY }

/** Is notified of each change of the mirror, or without changes if it was replaced as a whole. */
type OnMoved = (changes: readonly Change<Stored>[] | undefined) => void

interface Loaded {
  readonly mirror: Mirror
  readonly mark: number
  /** The transactions that last changed the entries. */
  readonly zxids: ReadonlyMap<string, bigint>
}

/** Keeps the mirror up to date with the connected server. */
export class Reader {
  readonly #session: Session
  readonly #names: Names
  readonly #repeats: Repeats
  readonly #znodes: Znodes
  readonly #onMoved: OnMoved
  readonly #onOutside: (found: FoundOutside) => void
  #mirror: Mirror | undefined
  /** The session's mark when the mirror was last found to be current, with a watch set. */
  #mark = -1
  #refreshing: Promise<void> | undefined
  #rearming: Promise<void> | undefined
  #loading: Promise<Mirror> | undefined
  #cutting: Promise<void> | undefined
  /** The last state before the present one all of which the history has, until it continues. */
  #recorded: Recorded | undefined
  #readOnly = false

  constructor(session: Session, names: Names, onMoved: OnMoved, onOutside: (found: FoundOutside) => void) {
    this.#session = session
    this.#names = names
    this.#onMoved = onMoved
    this.#onOutside = onOutside
    this.#repeats = new Repeats(session, names)
    this.#znodes = new Znodes(session, names)
  }

  /**
   * From now on nothing is created or written, and children that external writers create or delete do not start a new
   * history.
   */
  restrictToReads(): void {
    this.#readOnly = true
    this.#znodes.restrictToReads()
  }

  /** @throws TypeError if no dictionary can be at the path. */
  checkPlace(): Promise<void> {
    return this.#repeats.retry(() => this.#znodes.checkPlace())
  }

  /** Returns the mirror as last read. Loads everything the first time. */
  async mirror(): Promise<Mirror> {
    return this.#mirror ?? this.#load(() => {})
  }

  /** Returns as of when the version is known to be current on the connected server. */
  currentAsOf(version: Version): number | undefined {
    return this.#mirror?.version === version && this.#isCurrent ? this.#session.heardAt : undefined
  }

  /** Returns the changes synchronously if nothing has to be requested. */
  changesSince(since: Version, freshness: Freshness): CatchUp<Stored> | Promise<CatchUp<Stored>> {
    if (freshness !== 'sequential' || !this.#mirror || !this.#isCurrent) return this.#ask(since, freshness)
    return this.#mirror.since(since, this.#session.heardAt)
  }

  /** Returns the mirror once it is as fresh as required. */
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
   * Brings the mirror up to date with the connected server.
   *
   * @param ask - whether to ask the server even if the watch has not fired.
   */
  async refresh(ask = false): Promise<void> {
    await this.#rearming
    if (!ask && this.#mirror && this.#isCurrent) return
    // A refresh in progress may have asked too early for this call.
    await this.#refreshing?.catch(() => {})
    if (!ask && this.#mirror && this.#isCurrent) return
    this.#refreshing ??= this.#repeats
      .retry(() => this.#refresh())
      .finally(() => {
        this.#refreshing = undefined
      })
    await this.#refreshing
  }

  /** Loads everything again. */
  async load(progress: () => void): Promise<State<Stored>> {
    const { entries, version } = await this.#repeats.afterBarrier(async () => {
      progress()
      // A load in progress may have asked too early.
      await this.#loading?.catch(() => {})
      return this.#load(progress)
    })
    return { entries: new Map(entries), version }
  }

  /**
   * Returns the mirror from which to plan a write. After a write of this process, that is its result, even if the
   * watch that it fired is not set again yet. Otherwise it is the mirror once it is current.
   */
  latest(): Mirror | Promise<Mirror> {
    return this.#rearming && this.#mirror ? this.#mirror : this.current('sequential')
  }

  /**
   * Handles the watch after a write of this process, which fires it: counts the next watch as set if it was set on
   * the state that the mirror has then.
   *
   * @param watching - the answer to the request for the watch, once the mirror contains the write.
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

  /** Applies a write of this process to the mirror, unless a read has included it already. */
  apply(base: Version, change: Change<Stored> | undefined, position: Position): void {
    const mirror = this.#mirror
    if (!mirror || mirror.version !== base || position.zxid <= mirror.position.zxid) return
    mirror.advance(change ? [change] : [], position)
    if (change) this.#onMoved([change])
  }

  /** Returns the changes from a version to the state of the mirror. Asks again if the connection is lost meanwhile. */
  past(since: Version, { position }: Mirror): Promise<Past> {
    return this.#repeats.retry(() => this.#znodes.past(position.head, since))
  }

  /**
   * Starts a new history because external writers have created or deleted znodes, and loads everything. Callers at the same time
   * share the work.
   */
  cut(): Promise<void> {
    this.#cutting ??= this.#startCut().finally(() => {
      this.#cutting = undefined
    })
    return this.#cutting
  }

  async #startCut(): Promise<void> {
    await this.#repeats.retry(() => this.#znodes.cut())
    await this.#load(() => {})
  }

  /**
   * Checks that the path has as many children as the head records. The check is also a sign of life of the server.
   *
   * @param onAnswer - called when the server has answered.
   */
  async compare(onAnswer: () => void): Promise<void> {
    const mirror = this.#mirror
    const position = mirror?.position
    const cversion = await this.#znodes.cversion(mirror ?? UNREAD)
    onAnswer()
    // If the mirror has changed in the meantime, it is unknown which of the two is older.
    if (!mirror || !position || mirror.position !== position || cversion === position.head.cversion) return
    await this.refresh(true)
    if (this.#readOnly || mirror.position.zxid !== position.zxid) return
    await this.cut()
  }

  /** Whether the mirror is current as of the server's latest sign of life, and that is recent. */
  get #isCurrent(): boolean {
    const { connected, heardAt, mark, timeout } = this.#session
    return mark === this.#mark && connected && now() - heardAt <= timeout * TRUSTED
  }

  async #ask(since: Version, freshness: Freshness): Promise<CatchUp<Stored>> {
    const askedAt = now()
    const mirror = await this.current(freshness)
    return mirror.since(since, freshness === 'sequential' ? Math.min(askedAt, this.#session.heardAt) : undefined)
  }

  /** Returns whether the server has answered that the head is still the mirror's, and its watch still set. It costs less than to read the head. */
  async #isUnchanged(): Promise<boolean> {
    const mirror = this.#mirror
    if (!mirror || this.#mark !== this.#session.mark) return false
    const { value, mark } = await this.#session.greet(this.#names.version)
    const isSame = value === undefined || value.mzxid === mirror.position.zxid
    return isSame && mark === this.#mark && mirror === this.#mirror
  }

  async #refresh(): Promise<void> {
    if (await this.#isUnchanged()) return
    let keys: Iterable<string> = []
    for (;;) {
      const mirror = this.#mirror
      const last = mirror?.position
      const found = await this.#find(keys)
      if (!found) continue
      const { position, mark } = found
      if (!last || mirror !== this.#mirror || isOlder(position, last)) return void (await this.#load(() => {}))
      // Writes of this process were faster than the answer. They were based on everything in it, or more.
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
   * Returns the head and watches it. Returns `undefined` if the head had to be created first. If the head is older
   * than the last one, the server lags behind or the store was restored. After a barrier, only a restore is possible.
   *
   * @param keys - keys to read together with it.
   */
  async #find(keys?: Iterable<string>): Promise<Found | undefined> {
    const last = this.#mirror?.position
    const found = await this.#znodes.find(keys)
    if (!found || !last || !isOlder(found.position, last)) return found
    await this.#repeats.barrier()
    return this.#znodes.find(keys)
  }

  #load(progress: () => void): Promise<Mirror> {
    this.#loading ??= this.#repeats
      .retry(() => this.#loadAll(progress))
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
    throw new Error(
      `The znodes below ${this.#names.path} were changed by external writers during each of ${ATTEMPTS} attempts to load them. Find out what writes there.`,
    )
  }

  /** Loads one consistent state: the entries as read, with the changes made in the meantime. */
  async #tryLoad(progress: () => void): Promise<Loaded | undefined> {
    const start = await this.#find()
    if (!start) return undefined
    const [all, parts] = await Promise.all([this.#znodes.all(progress), this.#znodes.parts()])
    if (!all) return undefined
    const { entries, zxids } = all
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
      if (this.#readOnly || cversion === position.head.cversion) return { mirror, mark, zxids }
      if (!(await this.#znodes.isStill(position))) continue
      await this.#znodes.cut()
      return undefined
    }
  }

  /** @param since - the position of the mirror when the load began. */
  #settle({ mirror, mark, zxids }: Loaded, since: Position | undefined): Mirror {
    const before = this.#mirror
    // The loaded state may lack a write that this process has made in the meantime.
    if (before && before.position !== since && isOlder(mirror.position, before.position)) return before
    this.#mark = mark
    this.#lookOutside(before, mirror, before ? undefined : zxids)
    if (!before) {
      this.#mirror = mirror
      return mirror
    }
    const moved = before.version !== mirror.version
    before.replace(mirror)
    if (moved) this.#onMoved(undefined)
    return before
  }

  /** Reports what external writers did, unless nothing may be written. @param zxids - of a first load. */
  #lookOutside(before: Mirror | undefined, mirror: Mirror, zxids: ReadonlyMap<string, bigint> | undefined): void {
    if (this.#readOnly) return
    if (before && !before.position.head.interruption)
      this.#recorded = { entries: before.entries, version: before.version }
    const found = findOutside(this.#recorded, mirror, zxids)
    if (!mirror.position.head.interruption) this.#recorded = undefined
    if (found) this.#onOutside(found)
  }
}

function isOlder(position: Position, other: Position): boolean {
  return position.zxid < other.zxid
}
