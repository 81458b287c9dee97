import { type EntryName, lastOf, parseEntryName } from './history-entry-name.js'
import { folderName, folderOf, parseFolderName } from './history-folders.js'
import { type Entry, parseEntry } from './history-record.js'
import { type HistoryState, parseState } from './history-state.js'
import type { Names } from './names.js'
import type { Session } from './session.js'
import { TooLarge, type Znode } from './transport.js'

/** The most znodes and KiB to read with one request. */
const READ_ENTRIES = 256
const READ_KIB = 1_024

/** The first position of what is in no folder. */
const LOOSE = 0

/** The znode above the commits, and its children. */
export interface Overview {
  /** `undefined` if it is missing. */
  readonly root: Znode | undefined
  /** `undefined` if it is missing or malformed. */
  readonly state: HistoryState | undefined
  /** The first positions of the folders, ascending. */
  readonly folders: readonly number[]
  /** Commits in no folder, oldest first. */
  readonly loose: readonly EntryName[]
}

/** The znodes of a history, without the commits. */
export interface Listing extends Overview {
  /** Oldest first. */
  readonly entries: readonly EntryName[]
  /** Folders without any child. */
  readonly empty: readonly number[]
}

/** The children of a folder. */
export interface Folder {
  /** Oldest first. */
  readonly entries: readonly EntryName[]
  readonly isEmpty: boolean
}

/** The znode of a transaction, as it was read. */
export interface ReadEntry {
  readonly name: EntryName
  /** `undefined` if it is malformed. */
  readonly entry: Entry | undefined
  readonly znode: Znode
}

/** Reads the znodes of one history. */
export class HistoryZnodes {
  readonly #session: Session
  readonly #names: Names

  constructor(session: Session, names: Names) {
    this.#session = session
    this.#names = names
  }

  /** Lists the folders, and reads what was dropped after that. */
  async overview(): Promise<Overview> {
    const { history, path } = this.#names
    const [children, { value: root }] = await Promise.all([
      this.#session.getChildren(history),
      this.#session.getData(history),
    ])
    const names = children?.names ?? []
    const folders = names.map(parseFolderName).filter(first => first !== undefined)
    return {
      root,
      state: root && parseState(root.data, path),
      folders: folders.sort((one, other) => one - other),
      loose: toEntries(names),
    }
  }

  /** Lists all commits. */
  async list(): Promise<Listing> {
    const overview = await this.overview()
    const { folders, loose } = overview
    const listed = await Promise.all(folders.map(folder => this.folder(folder)))
    const entries = [...loose, ...listed.flatMap(({ entries }) => entries)].sort(byPosition)
    return { ...overview, entries, empty: folders.filter((_, index) => listed[index]?.isEmpty) }
  }

  async folder(first: number): Promise<Folder> {
    const name = folderName(first)
    const names = (await this.#session.getChildren(this.#names.historyEntry(name)))?.names ?? []
    return { entries: toEntries(names, `${name}/`), isEmpty: names.length === 0 }
  }

  /** Reads the commits of some transactions. Those whose znodes are missing are `undefined`. */
  async read(entries: readonly EntryName[]): Promise<(ReadEntry | undefined)[]> {
    const read: (ReadEntry | undefined)[] = []
    for await (const one of this.each(entries)) read.push(one)
    return read
  }

  /** Yields the commits of some transactions, a limited amount of data at a time. */
  async *each(entries: readonly EntryName[]): AsyncGenerator<ReadEntry | undefined> {
    for (let at = 0; at < entries.length; ) {
      const part = entries.slice(at, at + countFor(entries, at))
      const znodes = await this.#readEach(part.map(({ name }) => this.#names.historyEntry(name)))
      for (const [index, znode] of znodes.entries()) yield toRead(part[index] as EntryName, znode)
      at += part.length
    }
  }

  /** Reads znodes one by one if they are longer than their names say. */
  async #readEach(paths: readonly string[]): Promise<readonly (Znode | undefined)[]> {
    try {
      return await this.#session.getEach(paths)
    } catch (fault) {
      if (!(fault instanceof TooLarge)) throw fault
    }
    const znodes: (Znode | undefined)[] = []
    for (const path of paths) znodes.push((await this.#session.getData(path)).value)
    return znodes
  }

  /** When the transaction was made, in ms since 1970; `undefined` if its znode is missing. */
  async timeOf({ name }: EntryName): Promise<number | undefined> {
    return (await this.#session.exists(this.#names.historyEntry(name))).value?.ctime
  }
}

/** Lists transactions from the newest on, folder by folder. */
export class HistoryWalk {
  readonly #znodes: HistoryZnodes
  readonly #overview: Overview
  readonly #listed: Map<number, readonly EntryName[]>

  /** @param listed - folders that are listed already. */
  constructor(znodes: HistoryZnodes, overview: Overview, listed: Iterable<readonly [number, readonly EntryName[]]>) {
    this.#znodes = znodes
    this.#overview = overview
    this.#listed = new Map(listed)
  }

  /** The folders that a page of the newest commits lists. */
  get newestFolders(): readonly number[] {
    return this.#overview.folders.slice(-2)
  }

  /** Yields what is in the folders that begin at a position or before, newest first: ever more folders at a time. */
  async *from(position: number): AsyncGenerator<readonly EntryName[]> {
    const { loose, folders } = this.#overview
    const left = (loose.length > 0 ? [LOOSE, ...folders] : folders).filter(first => first <= position)
    for (let count = 2; left.length > 0; count = Math.min(64, 2 * count)) {
      const listed = await Promise.all(left.splice(-count).map(folder => this.#list(folder)))
      yield listed.flat().reverse()
    }
  }

  /** The newest transaction whose last position is at most this one. */
  async newest(position: number): Promise<EntryName | undefined> {
    for await (const entries of this.from(position)) {
      const newest = entries.find(entry => lastOf(entry) <= position)
      if (newest) return newest
    }
    return undefined
  }

  async #list(first: number): Promise<readonly EntryName[]> {
    const inside = this.#listed.get(first) ?? (first === LOOSE ? [] : (await this.#znodes.folder(first)).entries)
    this.#listed.set(first, inside)
    const { loose, folders } = this.#overview
    const beside = loose.filter(entry => (folderOf(entry.first, folders) ?? LOOSE) === first)
    return beside.length > 0 ? [...inside, ...beside].sort(byPosition) : inside
  }
}

export function newestPosition(entries: readonly EntryName[], floor = 0): number {
  const newest = entries.at(-1)
  return newest ? Math.max(lastOf(newest), floor) : floor
}

function toEntries(names: readonly string[], folder?: string): EntryName[] {
  const parsed = names.map(name => parseEntryName(name, folder)).filter(entry => entry !== undefined)
  return parsed.sort(byPosition)
}

function byPosition(one: EntryName, other: EntryName): number {
  return one.first - other.first
}

/** How many entries from there on to read with one request; at least one. */
function countFor(entries: readonly EntryName[], at: number): number {
  let kib = 0
  for (let count = 0; count < READ_ENTRIES; count += 1) {
    kib += entries[at + count]?.kib ?? Number.POSITIVE_INFINITY
    if (kib > READ_KIB) return Math.max(1, count)
  }
  return READ_ENTRIES
}

/** The commits must be those that the name announces, although some may have been dropped. */
function toRead(name: EntryName, znode: Znode | undefined): ReadEntry | undefined {
  if (!znode) return undefined
  const entry = parseEntry(znode.data)
  const isOfName = (position: number) => position >= name.first && position <= lastOf(name)
  return { name, znode, entry: entry?.commits.every(({ position }) => isOfName(position)) ? entry : undefined }
}
