import {
  DEFAULT_POLICY,
  type HistoryLimits,
  type HistoryPage,
  type HistoryPolicy,
  type HistoryQuery,
} from '../../contract/history.js'
import { isTrimDue } from '../../contract/retention.js'
import { now } from '../../time/clock.js'
import { type Head, versionOf } from './head.js'
import { HistoryPages } from './history-pages.js'
import { changePolicy, type HistoryStart, recover, startFrom } from './history-start.js'
import { type HistoryMark, policyOf } from './history-state.js'
import { type Counted, HistoryTrimmer } from './history-trimmer.js'
import { HistoryZnodes } from './history-znodes.js'
import type { Mirror } from './mirror.js'
import type { Names } from './names.js'
import type { Found, Outside } from './outside.js'
import { OutsideSearch } from './outside-search.js'
import { Repeats } from './repeats.js'
import type { Session } from './session.js'
import type { Stored } from './stored.js'

/** How many positions of a transaction are looked at to decide whether to drop commits. */
const LOOKED_AT = 64

/** A transaction of this many bytes of history is reason enough to look at what may be dropped. */
const LARGE = 65_536

/** The history of one dictionary: pages, where the next commit goes, and what is dropped. */
export class History {
  readonly #names: Names
  readonly #repeats: Repeats
  readonly #znodes: HistoryZnodes
  readonly #pages: HistoryPages
  readonly #trimmer: HistoryTrimmer
  readonly #search: OutsideSearch
  /** Whether the head's mark has led to a refusal. */
  #distrusted = false
  /** How many commits there were at a position. */
  #counted: Counted | undefined
  #countedAt = 0
  /** What external writers did, as it was found last. */
  #found: Found | undefined
  /** The version before the commit of that, and where the history continues. */
  #expected: { readonly version: string; readonly mark: HistoryMark | undefined } | undefined
  #trimming: Promise<void> | undefined
  /** With which limits commits are to be dropped next. */
  #due: HistoryLimits | undefined

  constructor(session: Session, names: Names) {
    this.#names = names
    this.#repeats = new Repeats(session, names)
    this.#znodes = new HistoryZnodes(session, names)
    this.#pages = new HistoryPages(session, names, this.#repeats, this.#znodes, () => this.distrust())
    this.#trimmer = new HistoryTrimmer(session, names, this.#znodes)
    this.#search = new OutsideSearch(session, names, this.#znodes)
  }

  /** From where the next transaction continues. Asks the server only if the head does not say. */
  start(head: Head): HistoryStart | Promise<HistoryStart> {
    const { history } = head
    if (history && !this.#distrusted) return startFrom(history)
    const { version, mark } = this.#expected ?? {}
    if (mark && !this.#distrusted && version === versionOf(head)) return startFrom(mark)
    return this.#afterBarrier(() => recover(this.#znodes, this.#names, head))
  }

  /** How to record a policy. */
  withPolicy(head: Head, policy: HistoryPolicy): Promise<HistoryStart> {
    return this.#afterBarrier(() => changePolicy(this.#znodes, this.#names, head, policy))
  }

  /** External writers did something that must be recorded before the next commit. */
  found(found: Found): void {
    this.#found = found
  }

  /** Whether something must be recorded before the next commit, if that follows this state. */
  isUnrecordedAt({ version, position }: Mirror): boolean {
    if (this.#expected?.version === version) return false
    return this.#found?.version === version || (!position.head.history && position.head.interruption !== undefined)
  }

  /** What must be recorded before the commit that follows this state. */
  async unrecordedAt(mirror: Mirror): Promise<Outside | undefined> {
    const found = this.#found?.version === mirror.version ? this.#found : undefined
    if (found?.outside) return found.outside
    const { edited } = found ?? {}
    return this.#afterBarrier(() => (edited ? this.#search.edits(mirror, edited) : this.#search.changes(mirror)))
  }

  /** The next commit after this version is that of what external writers did, if that is known. */
  expect(version: string, outside: Outside | undefined): void {
    this.#expected = { version, mark: outside?.mark }
    this.#found = undefined
  }

  /** The znodes are not as the head says: the next write finds out how they are. */
  distrust(): void {
    this.#distrusted = true
  }

  async page(query: HistoryQuery): Promise<HistoryPage<Stored>> {
    await this.#trimming
    return this.#pages.page(query)
  }

  /**
   * Notes that commits were written. If it is time to, drops others in the background.
   *
   * @param before - the position before them.
   * @param bytes - what was added.
   */
  committed({ before, bytes }: { readonly before: number; readonly bytes: number }, mark: HistoryMark): void {
    this.#distrusted = false
    const policy = policyOf(mark)
    if (policy && (bytes > LARGE || this.#isDue(before, mark.position, policy))) this.#trimSoon(policy)
  }

  /** Drops what a new policy does not keep. */
  async apply(policy: HistoryPolicy): Promise<void> {
    this.#distrusted = false
    this.#trimSoon(policy || DEFAULT_POLICY)
    await this.#trimming
  }

  async forget(author: string): Promise<number> {
    await this.#trimming
    return this.#repeats.retry(() => this.#afterBarrier(() => this.#trimmer.forget(author)))
  }

  /** The server answers in order: what is read is at least as new as the barrier, which is not waited for first. */
  async #afterBarrier<V>(read: () => Promise<V>): Promise<V> {
    const [, value] = await Promise.all([this.#repeats.barrier(), read()])
    return value
  }

  #isDue(before: number, position: number, policy: HistoryLimits): boolean {
    if (!this.#counted) return true
    const stored = this.#counted.stored + position - this.#counted.position
    // The number alone matters as long as none can be too old.
    if (now() - this.#countedAt < this.#counted.youth) return isTrimDue(policy, stored, 1)
    for (let at = Math.max(before + 1, position - LOOKED_AT + 1); at <= position; at += 1) {
      if (isTrimDue(policy, stored, at)) return true
    }
    return false
  }

  #trimSoon(limits: HistoryLimits): void {
    this.#due = limits
    this.#trimming ??= this.#trimWhileDue()
  }

  /** Ends in the step that finds nothing due: what becomes due later starts another run. */
  async #trimWhileDue(): Promise<void> {
    while (this.#due) {
      const limits = this.#due
      this.#due = undefined
      await this.#trim(limits)
    }
    this.#trimming = undefined
  }

  /** A failure is left to the next writer: nothing depends on what is dropped when. */
  async #trim(limits: HistoryLimits): Promise<void> {
    try {
      const counted = await this.#trimmer.trim(limits)
      this.#counted = counted
      this.#countedAt = now()
    } catch {
      this.#counted ??= { stored: 0, position: 0, youth: 0 }
    }
  }
}
