import type { HistoryPage, HistoryQuery, StoredCommit } from '../../contract/history.js'
import { foreignCommit } from '../../errors/history-faults.js'
import { warn } from '../../warnings/warnings.js'
import { type CommitId, formatCommitId, parseCommitId, tagOf } from './commit-id.js'
import { type Head, historyOf, parseHead, versionOf } from './head.js'
import { type EntryName, keyOfMark, lastOf, markOf } from './history-entry-name.js'
import type { Entry } from './history-record.js'
import { HistoryWalk, type HistoryZnodes, type Overview } from './history-znodes.js'
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

/** What the first request of a page found. */
interface Found {
  readonly head: Head | undefined
  /** How often the head was written. */
  readonly version: number | undefined
  readonly overview: Overview
  readonly walk: HistoryWalk
}

/** Which commits are wanted: those between two positions, or the one with an id. */
interface Range {
  readonly query: HistoryQuery
  /** The key in the form in which names contain it. */
  readonly mark: string | undefined
  /** The position of the newest commit of all. */
  readonly newest: number
  /** The position of the newest one. */
  readonly last: number
  /** The id after which the page begins, or of the only commit. */
  readonly id: CommitId | undefined
}

/** Reads pages of the history. */
export class HistoryPages {
  readonly #session: Session
  readonly #names: Names
  readonly #repeats: Repeats
  readonly #znodes: HistoryZnodes
  readonly #onDamage: () => void
  /** The newest folders at the latest page: probably those of the next one. */
  #newest: readonly number[] = []

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
    const found = await this.#find()
    const { head, overview } = found
    const { state, root } = overview
    const range = this.#rangeOf(query, found)
    const draft = { commits: [], floor: state?.floor ?? (head ? 1 : 0), dropped: [...(state?.dropped ?? [])] }
    if (root && !state) {
      this.#onDamage()
      this.#report(this.#names.history)
    }
    const newest = await found.walk.newest(newestOf(found))
    if (await this.#hasHole(found, newest)) return this.#afterHole(draft, newest, found.version)
    return range && !(await this.#fill(draft, found, range)) ? undefined : draft
  }

  /** Sends all that is needed at once. The server answers in order: the reads see what the barrier saw. */
  async #find(): Promise<Found> {
    const folders = this.#newest
    const [, { value: znode }, overview, ...listed] = await Promise.all([
      this.#repeats.barrier(),
      this.#session.getData(this.#names.version),
      this.#znodes.overview(),
      ...folders.map(folder => this.#znodes.folder(folder)),
    ])
    const known = listed.map(({ entries }, index) => [folders[index] as number, entries] as const)
    const walk = new HistoryWalk(this.#znodes, overview, known)
    this.#newest = walk.newestFolders
    return { head: znode && parseHead(znode.data, this.#names.path), version: znode?.stat.version, overview, walk }
  }

  /** Returns `undefined` if no commit can have the id. */
  #rangeOf(query: HistoryQuery, found: Found): Range | undefined {
    const given = query.id ?? query.before
    const newest = newestOf(found)
    const range = { query, mark: query.key === undefined ? undefined : markOf(query.key), newest }
    if (given === undefined) return { ...range, last: newest, id: undefined }
    const id = parseCommitId(given)
    if (id && id.epoch === found.overview.state?.epoch && id.position <= newest)
      return { ...range, last: id.position, id }
    if (query.id !== undefined) return undefined
    throw foreignCommit(given, this.#names.path)
  }

  /** Whether a change was made without its commit, or commits were removed by hand. */
  async #hasHole({ head, overview: { state } }: Found, newest: EntryName | undefined): Promise<boolean> {
    if (!head || !state) return true
    const history = historyOf(head)
    const position = Math.max(state.floor, newest ? lastOf(newest) : 0)
    if (history) return history.epoch !== state.epoch || position < history.position
    if (!newest) return true
    const [read] = await this.#znodes.read([newest])
    return read?.entry?.version !== versionOf(head)
  }

  /** Returns an empty page, unless the head has changed: then the writer has recorded the hole. */
  async #afterHole(
    draft: Draft,
    newest: EntryName | undefined,
    version: number | undefined,
  ): Promise<Draft | undefined> {
    const { value } = await this.#session.exists(this.#names.version)
    if (value?.version !== version) return undefined
    return { commits: [], floor: Math.max(1, draft.floor, newest ? lastOf(newest) : 0), dropped: [] }
  }

  /** Returns false if znodes were removed in the meantime. */
  async #fill(draft: Draft, { walk, overview }: Found, range: Range): Promise<boolean> {
    const { query, last } = range
    let size = query.limit
    for await (const entries of walk.from(last)) {
      const wanted = entries.filter(entry => mayHave(entry, range, draft.floor))
      for (let at = 0; at < wanted.length && draft.commits.length < query.limit; size *= 2) {
        const window = wanted.slice(at, at + Math.min(size, WINDOW))
        for await (const read of this.#znodes.each(window)) {
          if (draft.commits.length >= query.limit) return true
          if (!read) return false
          if (lastOf(read.name) <= draft.floor) return true
          if (read.entry && read.entry.epoch === overview.state?.epoch) this.#take(read.entry, read.znode, draft, range)
          else this.#skip(read.name, draft)
        }
        at += window.length
      }
      const oldest = entries.at(-1)
      if (draft.commits.length >= query.limit || (oldest && oldest.first <= draft.floor)) return true
    }
    return true
  }

  #take({ epoch, version, commits }: Entry, { stat }: Znode, draft: Draft, { query, last, id }: Range): void {
    const { key, limit } = query
    const at = Math.min(LATEST, Math.max(-LATEST, stat.ctime))
    for (const { position, changes, ...attribution } of commits.toReversed()) {
      if (position > last || position <= draft.floor || draft.commits.length >= limit) continue
      if (position === id?.position && id.tag !== tagOf(version)) {
        // After a restore, another commit has the position.
        if (query.id === undefined) throw foreignCommit(query.before as string, this.#names.path)
        continue
      }
      if (query.id === undefined ? position === id?.position : position !== id?.position) continue
      if (!changes) this.#hide(position, draft)
      else if (key === undefined || changes.some(one => one.key === key)) {
        const own = { id: formatCommitId(position, epoch, version), position, version, at, changes }
        draft.commits.push({ via: 'library', ...attribution, ...own })
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

/** The position of the newest commit, as far as the head says it: what is beyond is foreign. */
function newestOf({ head, overview: { state } }: Found): number {
  const history = head && historyOf(head)
  return history && history.epoch === state?.epoch ? history.position : Number.POSITIVE_INFINITY
}

/** Whether a transaction may have commits that the query asks for. The one with the given id is looked at in any case. */
function mayHave(entry: EntryName, { query, mark, newest, last, id }: Range, floor: number): boolean {
  if (lastOf(entry) <= floor || entry.first > last || lastOf(entry) > newest) return false
  const isGiven = id !== undefined && lastOf(entry) >= last
  if (query.id !== undefined) return isGiven
  return isGiven || mark === undefined || entry.mark === undefined || entry.mark === mark
}
