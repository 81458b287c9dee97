import type { Version } from '../../contract/backend.js'
import {
  type Attribution,
  DEFAULT_POLICY,
  type HistoryPage,
  type HistoryPolicy,
  type HistoryQuery,
  type KeyChange,
  type StoredCommit,
} from '../../contract/history.js'
import { isTrimDue, retain } from '../../contract/retention.js'
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

  get isKept(): boolean {
    return this.#policy !== false
  }

  add(version: Version, attribution: Attribution | undefined, changes: readonly KeyChange<unknown>[]): void {
    if (this.#policy === false) return
    this.#position += 1
    const { by, reason, via = 'library' } = attribution ?? {}
    const position = this.#position
    this.#commits.push({ id: this.#idOf(position), position, version, at: this.#now(), by, reason, via, changes })
    if (isTrimDue(this.#policy, this.#commits.length, position)) this.#trim(this.#policy)
  }

  page(dictionary: string, { key, before, id, limit }: HistoryQuery): HistoryPage<unknown> {
    const end = before === undefined ? Number.POSITIVE_INFINITY : this.#positionOf(before, dictionary)
    const commits = this.#commits.filter(
      commit =>
        commit.position < end &&
        (id === undefined || commit.id === id) &&
        (key === undefined || commit.changes.some(change => change.key === key)),
    )
    return { commits: commits.reverse().slice(0, limit), floor: this.#floor, dropped: [...this.#dropped] }
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

  #dropAll(): void {
    this.#commits = []
    this.#floor = this.#position
    this.#dropped.clear()
  }

  #trim(limits: Exclude<HistoryPolicy, false>): void {
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
