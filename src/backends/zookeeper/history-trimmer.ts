import type { HistoryLimits } from '../../contract/history.js'
import { type IndexedCommit, type Retention, retain } from '../../contract/retention.js'
import { historyOf, parseHead } from './head.js'
import { ageOf } from './history-age.js'
import { type EntryName, keyOfMark, lastOf, markOf } from './history-entry-name.js'
import { folderName } from './history-folders.js'
import { type RecordedCommit, rewriteEntry } from './history-record.js'
import { formatState, type HistoryState } from './history-state.js'
import type { HistoryZnodes, Listing, ReadEntry } from './history-znodes.js'
import type { Names } from './names.js'
import type { Session } from './session.js'
import { CODE, Refusal, type Step, type Znode } from './transport.js'

/** The most commits that are kept, whatever the policy: other clients must be able to list them. */
const KEEP_LIMIT = 10_000

/** The most that the commits take together, in KiB: every server keeps them in memory. */
const TOTAL_KIB = 8_192

/** The most bytes and steps of a transaction that drops commits. */
const BYTES_LIMIT = 900_000
const STEPS_LIMIT = 2_000

/** How many znodes are read at a time to change them. */
const REWRITTEN = 200

/** How often commits are dropped again after another process was faster. */
const ATTEMPTS = 5

/** Another process has dropped commits. */
const OVERTAKEN: ReadonlySet<number> = new Set([CODE.BAD_VERSION, CODE.NO_NODE])

/** A transaction with the commits that it still has. */
interface Kept {
  readonly name: EntryName
  readonly commits: readonly Pick<IndexedCommit, 'position' | 'key'>[]
  /** Absent if its name says everything. */
  readonly znode?: Znode | undefined
}

/** What is left. */
export interface Counted {
  readonly stored: number
  /** Of the newest commit. */
  readonly position: number
  /** For how long no commit is too old, in ms; 0 if that is not known. */
  readonly youth: number
}

/** Drops commits that the policy does not keep. Their transactions are independent of those of the data. */
export class HistoryTrimmer {
  readonly #session: Session
  readonly #names: Names
  readonly #znodes: HistoryZnodes

  constructor(session: Session, names: Names, znodes: HistoryZnodes) {
    this.#session = session
    this.#names = names
    this.#znodes = znodes
  }

  /** If another process drops commits at the same time, looks again at what is left. */
  trim(limits: HistoryLimits): Promise<Counted> {
    return this.#untilAlone(() => this.#tryTrim(limits))
  }

  async #tryTrim({ keep, days }: HistoryLimits): Promise<Counted> {
    const listing = await this.#znodes.list()
    const { state, root } = listing
    const entries = await this.#withoutForeign(listing)
    await this.#removeEmpty(listing)
    const newest = entries.at(-1)
    const position = newest ? lastOf(newest) : 0
    if (!state || !root || !newest) return { stored: 0, position, youth: 0 }
    const limit = Math.min(keep, KEEP_LIMIT)
    const isOver = entries.reduce((sum, { count }) => sum + count, 0) > limit
    const kept = isOver ? await this.#expand(entries) : entries.map(fromName)
    const { old, youth } = await this.#oldUntil(entries, days)
    const isOld = ({ first }: EntryName, position: number) => first <= old || position <= state.floor
    const index = kept.flatMap(({ name, commits }) =>
      commits.map(({ position, key }) => ({ position, key, at: isOld(name, position) ? 0 : 1 })),
    )
    const retention = retain(index, { keep: isOver ? limit : Number.POSITIVE_INFINITY, days: 0 }, 1, state.floor)
    if (retention.positions.length > 0) await this.#drop(kept, retention, state, root)
    return { stored: index.length - retention.positions.length, position, youth }
  }

  /** Removes an author from all commits. Returns how many there were. */
  async forget(author: string): Promise<number> {
    let count = 0
    await this.#untilAlone(async () => {
      const { entries } = await this.#znodes.list()
      for (let at = 0; at < entries.length; at += REWRITTEN) {
        const read = await this.#znodes.read(entries.slice(at, at + REWRITTEN))
        const own = read.filter(one => one?.entry?.commits.some(({ by }) => by === author)) as ReadEntry[]
        const without = (commit: RecordedCommit) => (commit.by === author ? {} : commit)
        await this.#send(own.map(({ name, znode }) => this.#rewriting(name, znode, without)))
        count += own.flatMap(({ entry }) => entry?.commits ?? []).filter(({ by }) => by === author).length
      }
    })
    return count
  }

  /** The head is read after they were listed: what is beyond it is not a commit. */
  async #withoutForeign({ entries, state }: Listing): Promise<readonly EntryName[]> {
    const { value } = await this.#session.getData(this.#names.version)
    const head = value && parseHead(value.data, this.#names.path)
    const history = head && historyOf(head)
    if (!history || history.epoch !== state?.epoch) return entries
    return entries.filter(entry => lastOf(entry) <= history.position)
  }

  /** Reads the transactions whose names do not say everything. */
  async #expand(entries: readonly EntryName[]): Promise<Kept[]> {
    const unknown = entries.filter(({ count }) => count > 1)
    const read = new Map((await this.#znodes.read(unknown)).map((one, index) => [unknown[index], one] as const))
    return entries.map(name => {
      const one = read.get(name)
      // A malformed one is dropped as a whole.
      if (!one?.entry) return { name, commits: [{ position: name.first, key: name.mark }] }
      return { name, commits: one.entry.commits.map(toPosition), znode: one.znode }
    })
  }

  /** The position of the newest transaction that is too old, or beyond the limit of all together; 0 if none is. */
  async #oldUntil(entries: readonly EntryName[], days: number): Promise<{ old: number; youth: number }> {
    const timeOf = (index: number) => this.#znodes.timeOf(entries[index] as EntryName)
    const { old, youth } = await ageOf(entries.length, timeOf, days)
    return { old: Math.max(entries[old - 1]?.first ?? 0, beyondTotal(entries)), youth }
  }

  async #drop(kept: readonly Kept[], retention: Retention, state: HistoryState, root: Znode): Promise<void> {
    const gone = new Set(retention.positions)
    const steps = kept.flatMap(({ name, commits, znode }): Step[] => {
      const left = commits.filter(({ position }) => !gone.has(position))
      if (left.length === commits.length) return []
      if (left.length === 0 || !znode) return [this.#deletion(name)]
      return [this.#rewriting(name, znode, commit => (gone.has(commit.position) ? undefined : commit))]
    })
    const { floor } = retention
    const dropped = await this.#droppedKeys(kept, retention, state)
    const data = formatState({ ...state, floor, dropped })
    // Readers hear of it before, or together with, the first commit that is missing.
    await this.#send([{ type: 'set', path: this.#names.history, data, version: root.stat.version }, ...steps])
  }

  async #droppedKeys(kept: readonly Kept[], { floor, dropped }: Retention, state: HistoryState) {
    const keys = new Map(state.dropped)
    const hashed: [position: number, name: EntryName][] = []
    for (const [mark, position] of dropped) {
      const key = keyOfMark(mark)
      if (key !== undefined) keys.set(key, position)
      else hashed.push([position, nameAt(kept, position)])
    }
    const read = await this.#znodes.read(hashed.map(([, name]) => name))
    for (const [index, [position]] of hashed.entries()) {
      const commit = read[index]?.entry?.commits.find(one => one.position === position)
      for (const { key } of commit?.changes ?? []) keys.set(key, position)
    }
    return [...keys].filter(([, position]) => position > floor)
  }

  /** Sends steps in as many transactions as needed. */
  async #send(steps: readonly Step[]): Promise<void> {
    let [batch, bytes]: [Step[], number] = [[], 0]
    for (const step of steps) {
      const size =
        this.#session.added.path + Buffer.byteLength(step.path) + 25 + ('data' in step ? step.data.length : 0)
      if (batch.length >= STEPS_LIMIT || (batch.length > 0 && bytes + size > BYTES_LIMIT)) {
        await this.#session.multi(batch)
        ;[batch, bytes] = [[], 0]
      }
      batch.push(step)
      bytes += size
    }
    if (batch.length > 0) await this.#session.multi(batch)
  }

  async #untilAlone<V>(work: () => Promise<V>): Promise<V> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await work()
      } catch (fault) {
        if (attempt === ATTEMPTS || !(fault instanceof Refusal && OVERTAKEN.has(fault.code))) throw fault
      }
    }
  }

  /** Removes folders whose commits are gone, but never the newest one, which writers may be using. */
  async #removeEmpty({ empty, folders }: Listing): Promise<void> {
    const unused = empty.filter(first => first !== folders.at(-1)).slice(0, STEPS_LIMIT)
    const removals = unused.map(first => {
      const path = this.#names.historyEntry(folderName(first))
      return this.#session.multi([{ type: 'delete', path, version: -1 }])
    })
    // Another process may have removed it, or an external writer used it.
    await Promise.allSettled(removals)
  }

  #deletion({ name }: EntryName): Step {
    return { type: 'delete', path: this.#names.historyEntry(name), version: -1 }
  }

  #rewriting({ name }: EntryName, { data, stat }: Znode, change: Parameters<typeof rewriteEntry>[1]): Step {
    const path = this.#names.historyEntry(name)
    return { type: 'set', path, data: rewriteEntry(data, change), version: stat.version }
  }
}

function fromName(name: EntryName): Kept {
  const positions = Array.from({ length: name.count }, (_, index) => name.first + index)
  return { name, commits: positions.map(position => ({ position, key: name.mark })) }
}

function toPosition({ position, changes }: RecordedCommit): Pick<IndexedCommit, 'position' | 'key'> {
  const [first, ...others] = changes ?? []
  return { position, key: first && others.length === 0 ? markOf(first.key) : undefined }
}

function nameAt(kept: readonly Kept[], position: number): EntryName {
  return (kept.find(({ name }) => name.first <= position && position <= lastOf(name)) as Kept).name
}

/** The position of the newest transaction that there is no room for. */
function beyondTotal(entries: readonly EntryName[]): number {
  let sum = 0
  for (const { kib, first } of entries.toReversed()) {
    sum += kib
    if (sum > TOTAL_KIB) return first
  }
  return 0
}
