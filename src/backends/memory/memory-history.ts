import type { Version } from '../../contract/backend.js'
import {
  type Attribution,
  DEFAULT_POLICY,
  type HistoryLimits,
  type HistoryPage,
  type HistoryPolicy,
  type HistoryQuery,
  type KeyChange,
  type StoredCommit,
} from '../../contract/history.js'
import { areTooMany, isTooOld, isTrimDue, retain } from '../../contract/retention.js'
import { foreignCommit } from '../../errors/history-faults.js'

/** The history of a `MemoryStore`. */
export class MemoryHistory {
  readonly #epoch: string
  readonly #now: () => number
  #policy: HistoryPolicy = DEFAULT_POLICY
  #commits: StoredCommit<unknown>[] = []
  #position = 0
  #floor = 0
  readonly #dropped = new Map<string, number>()

  /** @param now - the store's clock, in milliseconds since 1970. */
  constructor(epoch: string, now: () => number = Date.now) {
    this.#epoch = epoch
    this.#now = now
  }

  add(version: Version, attribution: Attribution | undefined, changes: readonly KeyChange<unknown>[]): void {
    this.#position += 1
    if (this.#policy === false) {
      // It was never recorded: the history begins after it.
      this.#floor = this.#position
      return
    }
    const { by, reason, via = 'library' } = attribution ?? {}
    const position = this.#position
    this.#commits.push({ id: this.#idOf(position), position, version, at: this.#now(), by, reason, via, changes })
    if (isTrimDue(this.#policy, this.#commits.length, position)) this.#trimIfNeeded(this.#policy)
  }

  page(dictionary: string, { key, before, id, limit }: HistoryQuery): HistoryPage<unknown> {
    let index = before === undefined ? this.#commits.length : this.#indexOf(this.#positionOf(before, dictionary))
    const commits: StoredCommit<unknown>[] = []
    while (index > 0 && commits.length < limit) {
      index -= 1
      const commit = this.#commits[index] as StoredCommit<unknown>
      if (id !== undefined && commit.id !== id) continue
      if (key === undefined || commit.changes.some(change => change.key === key)) commits.push(commit)
    }
    return { commits, floor: this.#floor, dropped: [...this.#dropped] }
  }

  setPolicy(policy: HistoryPolicy): void {
    this.#policy = policy
    if (policy) this.#trim(policy)
    else this.#dropAll()
  }

  forget(by: string): number {
    let count = 0
    this.#commits = this.#commits.map(commit => {
      if (commit.by !== by) return commit
      count += 1
      return { ...commit, by: undefined }
    })
    return count
  }

  /** The index of the first commit from this position on: of all if there is none. */
  #indexOf(position: number): number {
    let [from, to] = [0, this.#commits.length]
    while (from < to) {
      const middle = (from + to) >> 1
      if ((this.#commits[middle] as StoredCommit<unknown>).position < position) from = middle + 1
      else to = middle
    }
    return from
  }

  #dropAll(): void {
    this.#commits = []
    this.#floor = this.#position
    this.#dropped.clear()
  }

  /** Looks at the oldest commit first: as long as it is kept, no other one is dropped for its age. */
  #trimIfNeeded(limits: HistoryLimits): void {
    const [oldest] = this.#commits
    const areMany = areTooMany(limits.keep, this.#commits.length)
    if (areMany || (oldest && isTooOld(oldest, limits, this.#now()))) this.#trim(limits)
  }

  #trim(limits: HistoryLimits): void {
    const index = this.#commits.map(({ position, at, changes }) => ({ position, at, key: onlyKey(changes) }))
    const { positions, floor, dropped } = retain(index, limits, this.#now(), this.#floor)
    const gone = new Set(positions)
    this.#commits = this.#commits.filter(({ position }) => !gone.has(position))
    this.#floor = floor
    for (const [key, position] of dropped) this.#dropped.set(key, position)
    for (const [key, position] of this.#dropped) if (position <= floor) this.#dropped.delete(key)
  }

  #idOf(position: number): string {
    return `${position}-${this.#epoch}`
  }

  #positionOf(id: string, dictionary: string): number {
    const position = Number.parseInt(id, 10)
    if (id === this.#idOf(position)) return position
    throw foreignCommit(id, dictionary)
  }
}

function onlyKey([first, ...others]: readonly KeyChange<unknown>[]): string | undefined {
  return others.length === 0 ? first?.key : undefined
}
