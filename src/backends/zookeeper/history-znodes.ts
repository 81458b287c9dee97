import { type EntryName, lastOf, parseEntryName } from './history-entry-name.js'
import { type Entry, parseEntry } from './history-record.js'
import { type HistoryState, parseState } from './history-state.js'
import type { Names } from './names.js'
import type { Session } from './session.js'
import type { Znode } from './transport.js'

/** The znodes of a history, without the commits. */
export interface Listing {
  /** The znode above the commits; `undefined` if it is missing. */
  readonly root: Znode | undefined
  /** `undefined` if it is missing or malformed. */
  readonly state: HistoryState | undefined
  /** Oldest first. */
  readonly entries: readonly EntryName[]
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

  /** Lists the commits, and reads what was dropped after that. */
  async list(): Promise<Listing> {
    const { history, path } = this.#names
    const [children, { value: root }] = await Promise.all([
      this.#session.getChildren(history),
      this.#session.getData(history),
    ])
    const parsed = (children?.names ?? []).map(parseEntryName).filter(entry => entry !== undefined)
    const entries = parsed.sort((one, other) => one.first - other.first)
    return { root, state: root && parseState(root.data, path), entries }
  }

  /** Reads the commits of some transactions. Those whose znodes are missing are `undefined`. */
  async read(entries: readonly EntryName[]): Promise<(ReadEntry | undefined)[]> {
    const paths = entries.map(({ name }) => this.#names.historyEntry(name))
    const read = await Promise.all(paths.map(path => this.#session.getData(path)))
    return entries.map((name, index) => {
      const znode = read[index]?.value
      return znode && { name, znode, entry: parseOf(name, znode) }
    })
  }

  /** When the transaction was made, in ms since 1970; `undefined` if its znode is missing. */
  async timeOf({ name }: EntryName): Promise<number | undefined> {
    return (await this.#session.exists(this.#names.historyEntry(name))).value?.ctime
  }
}

export function newestPosition(entries: readonly EntryName[], floor = 0): number {
  const newest = entries.at(-1)
  return newest ? Math.max(lastOf(newest), floor) : floor
}

/** The commits, which must be those that the name announces, although some may have been dropped. */
function parseOf(name: EntryName, { data }: Znode): Entry | undefined {
  const entry = parseEntry(data)
  const isOfName = (position: number) => position >= name.first && position <= lastOf(name)
  return entry?.commits.every(({ position }) => isOfName(position)) ? entry : undefined
}
