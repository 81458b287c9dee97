import { DamagedValue } from '../../contract/damaged-value.js'
import { lastOf } from './history-entry-name.js'
import type { HistoryMark } from './history-state.js'
import type { HistoryZnodes, Listing } from './history-znodes.js'
import type { Stored } from './stored.js'
import type { Stat } from './transport.js'

/** A value before, of a key whose commits do not say it. */
const NOT_RECORDED = new DamagedValue('The history does not contain it.')

/** Returns the state of a key's znode. */
type StatOf = (key: string) => Promise<Stat | undefined>

/** What the commits of a history say about the entries that they led to. */
export class PastEntries {
  /** The values as the newest commits left them; `undefined` for a key that was deleted. */
  readonly #left = new Map<string, { readonly position: number; readonly after: Stored | undefined }>()
  /** Keys of which nothing is known. */
  readonly #unknown = new Set<string>()
  /** Whether a key without a commit was never there. */
  #isComplete: boolean

  private constructor({ state }: Listing) {
    this.#isComplete = state?.floor === 0
  }

  /** Reads all commits up to a position. Returns `undefined` if they belong to another history. */
  static async read(znodes: HistoryZnodes, { epoch, position }: HistoryMark): Promise<PastEntries | undefined> {
    const listing = await znodes.list()
    const { state, entries } = listing
    if (state?.epoch !== epoch) return undefined
    const past = new PastEntries(listing)
    for await (const read of znodes.each(entries.filter(entry => lastOf(entry) <= position))) {
      if (!read?.entry || read.entry.epoch !== epoch) past.#forget()
      else for (const commit of read.entry.commits) past.#follow(commit)
    }
    for (const [key, dropped] of state.dropped) {
      if (dropped > (past.#left.get(key)?.position ?? 0)) past.#unknown.add(key)
    }
    return past
  }

  /**
   * Returns the entries that the commits led to, which external writers then changed.
   *
   * @param after - the entries now.
   * @param zxid - the transaction after which they were changed.
   */
  async before(after: ReadonlyMap<string, Stored>, zxid: bigint, statOf: StatOf): Promise<Map<string, Stored>> {
    const before = new Map<string, Stored>()
    for (const [key, { after: left }] of this.#left) {
      const isMissing = !after.has(key) && !this.#unknown.has(key)
      if (left !== undefined && (this.#isClear(key) || isMissing)) before.set(key, left)
    }
    const unclear = [...after.keys()].filter(key => !this.#isClear(key))
    const stats = await Promise.all(unclear.map(statOf))
    for (const [index, key] of unclear.entries()) {
      const stored = valueBefore(after.get(key), zxid, stats[index])
      if (stored !== undefined) before.set(key, stored)
    }
    return before
  }

  /** Returns what a key contained; `undefined` if it was missing. */
  valueOf(key: string): Stored | undefined {
    return this.#isClear(key) ? this.#left.get(key)?.after : NOT_RECORDED
  }

  #isClear(key: string): boolean {
    const left = this.#left.get(key)
    if (this.#unknown.has(key) || left?.after instanceof DamagedValue) return false
    return left !== undefined || this.#isComplete
  }

  /** Follows a commit. One that does not say which keys it changed may have changed any. */
  #follow({
    position,
    changes,
  }: {
    readonly position: number
    readonly changes: readonly Changed[] | undefined
  }): void {
    if (!changes) this.#forget()
    for (const { key, after } of changes ?? []) this.#left.set(key, { position, after })
  }

  #forget(): void {
    this.#left.clear()
    this.#isComplete = false
  }
}

type Changed = { readonly key: string; readonly after?: Stored | undefined }

/** What an entry was before, by the transactions that created and last changed its znode. */
function valueBefore(after: Stored | undefined, zxid: bigint, stat: Stat | undefined): Stored | undefined {
  if (!stat || stat.czxid > zxid) return undefined
  return stat.mzxid > zxid ? NOT_RECORDED : after
}
