import type { HistoryPage, HistoryQuery, StoredCommit } from '../../contract/history.js'
import { foreignCommit } from '../../errors/history-faults.js'
import { warn } from '../../warnings/warnings.js'
import { type Head, parseHead, versionOf } from './head.js'
import { type EntryName, keyOfMark, lastOf, markOf } from './history-entry-name.js'
import type { Entry } from './history-record.js'
import { idOf, positionOf } from './history-state.js'
import { type HistoryZnodes, type Listing, newestPosition } from './history-znodes.js'
import type { Names } from './names.js'
import type { Repeats } from './repeats.js'
import type { Session } from './session.js'
import type { Stored } from './stored.js'
import type { Znode } from './transport.js'

/** How often a page is tried while writers drop what it reads. */
const ATTEMPTS = 20

/** The most znodes to read at a time. */
const WINDOW = 500

/** The largest `at` that a `Date` can have. */
const LATEST = 8.64e15

/** A page as far as it was read. */
interface Draft {
  readonly commits: StoredCommit<Stored>[]
  readonly dropped: (readonly [string, number])[]
  floor: number
}

/** Reads pages of the history. */
export class HistoryPages {
  readonly #session: Session
  readonly #names: Names
  readonly #repeats: Repeats
  readonly #znodes: HistoryZnodes
  readonly #onDamage: () => void

  /** @param onDamage - called when the znode above the commits is malformed. */
  constructor(session: Session, names: Names, repeats: Repeats, znodes: HistoryZnodes, onDamage: () => void) {
    this.#session = session
    this.#names = names
    this.#repeats = repeats
    this.#znodes = znodes
    this.#onDamage = onDamage
  }

  /** Includes every commit acknowledged, to any process, before the call. */
  async page(query: HistoryQuery): Promise<HistoryPage<Stored>> {
    for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
      const page = await this.#repeats.retry(() => this.#tryPage(query))
      if (page) return page
    }
    throw new Error(
      `The znodes below ${this.#names.history} were removed during each of ${ATTEMPTS} attempts to read them. Find out what removes them.`,
    )
  }

  async #tryPage(query: HistoryQuery): Promise<HistoryPage<Stored> | undefined> {
    // The server answers in order: the reads see what the barrier saw.
    const [, { value: znode }, listing] = await Promise.all([
      this.#repeats.barrier(),
      this.#session.getData(this.#names.version),
      this.#znodes.list(),
    ])
    const head = znode && parseHead(znode.data, this.#names.path)
    const end = this.#endOf(query, listing)
    const draft = {
      commits: [],
      floor: listing.state?.floor ?? (head ? 1 : 0),
      dropped: [...(listing.state?.dropped ?? [])],
    }
    if (listing.root && !listing.state) {
      this.#onDamage()
      this.#report(this.#names.history)
    }
    if (await this.#hasHole(head, listing)) return this.#afterHole(draft, listing, znode?.stat.version)
    return (await this.#fill(draft, candidates(listing, query, end, draft.floor), listing, query, end))
      ? draft
      : undefined
  }

  /** Only commits before this position. */
  #endOf({ before }: HistoryQuery, { state }: Listing): number {
    if (before === undefined) return Number.POSITIVE_INFINITY
    const position = positionOf(before, state?.epoch)
    if (position === undefined) throw foreignCommit(before, this.#names.path)
    return position
  }

  /** Whether a change was made without its commit, or commits were removed by hand. */
  async #hasHole(head: Head | undefined, { state, entries }: Listing): Promise<boolean> {
    if (!head || !state) return true
    const { history } = head
    if (history) return history.epoch !== state.epoch || newestPosition(entries, state.floor) < history.position
    const newest = entries.at(-1)
    if (!newest) return true
    const [read] = await this.#znodes.read([newest])
    return read?.entry?.version !== versionOf(head)
  }

  /** Returns an empty page, unless the head has changed: then the writer has recorded the hole. */
  async #afterHole(draft: Draft, { entries }: Listing, version: number | undefined): Promise<Draft | undefined> {
    const { value } = await this.#session.exists(this.#names.version)
    if (value?.version !== version) return undefined
    return { commits: [], floor: Math.max(1, newestPosition(entries, draft.floor)), dropped: [] }
  }

  /** Returns false if znodes were removed in the meantime. */
  async #fill(
    draft: Draft,
    entries: readonly EntryName[],
    { state }: Listing,
    query: HistoryQuery,
    end: number,
  ): Promise<boolean> {
    for (let at = 0, size = query.limit; at < entries.length && draft.commits.length < query.limit; size *= 2) {
      const window = entries.slice(at, at + Math.min(size, WINDOW))
      for (const read of await this.#znodes.read(window)) {
        if (!read) return false
        if (lastOf(read.name) <= draft.floor) break
        if (read.entry && read.entry.epoch === state?.epoch) this.#take(read.entry, read.znode, draft, query, end)
        else this.#skip(read.name, draft)
      }
      at += window.length
    }
    return true
  }

  #take({ epoch, version, commits }: Entry, { stat }: Znode, draft: Draft, query: HistoryQuery, end: number): void {
    const { key, id, limit } = query
    const at = Math.min(LATEST, Math.max(-LATEST, stat.ctime))
    for (const { position, changes, ...attribution } of commits.toReversed()) {
      if (position >= end || position <= draft.floor || draft.commits.length >= limit) continue
      if (!changes) this.#hide(position, draft)
      else if (
        (id === undefined || id === idOf(position, epoch)) &&
        (key === undefined || changes.some(one => one.key === key))
      ) {
        draft.commits.push({
          via: 'library',
          ...attribution,
          id: idOf(position, epoch),
          position,
          version,
          at,
          changes,
        })
      }
    }
  }

  /** One damaged entry: its key's history is incomplete; if the key is not known, everything before it is hidden. */
  #skip(name: EntryName, draft: Draft): void {
    this.#report(this.#names.historyEntry(name.name))
    const key = name.mark === undefined ? undefined : keyOfMark(name.mark)
    if (key === undefined) this.#hide(lastOf(name), draft)
    else draft.dropped.push([key, name.first])
  }

  #hide(position: number, draft: Draft): void {
    draft.floor = Math.max(draft.floor, position)
  }

  #report(znode: string): void {
    const { path } = this.#names
    const message =
      `A record of the history of dictionary "${path}" is malformed (znode ${znode}). What it contained is missing from the ` +
      'history. Find out what else writes to the store.'
    warn('DURABLEDICT_DAMAGED_RECORD', message, { source: path })
  }
}

/** The transactions that may have commits that the query asks for, newest first. */
function candidates({ entries, state }: Listing, query: HistoryQuery, end: number, floor: number): EntryName[] {
  const mark = query.key === undefined ? undefined : markOf(query.key)
  const position = query.id === undefined ? undefined : positionOf(query.id, state?.epoch)
  if (query.id !== undefined && position === undefined) return []
  const mayHave = (entry: EntryName) =>
    lastOf(entry) > floor &&
    entry.first < end &&
    (mark === undefined || entry.mark === undefined || entry.mark === mark) &&
    (position === undefined || (entry.first <= position && position <= lastOf(entry)))
  return entries.filter(mayHave).reverse()
}
