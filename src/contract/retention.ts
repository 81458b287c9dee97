import type { HistoryLimits } from './history.js'

const DAY = 86_400_000

/** How often age is looked at, in commits. */
const EVERY = 64

/** A stored commit, as far as it matters to what is dropped. */
export interface IndexedCommit {
  readonly position: number
  /** In milliseconds since 1970. */
  readonly at: number
  /** The key that it touched; `undefined` if it touched several. */
  readonly key: string | undefined
}

/** What to drop. */
export interface Retention {
  readonly positions: readonly number[]
  /** Everything up to this position is gone; at least the floor before. */
  readonly floor: number
  /** Keys of which commits above the floor are gone, with the position of the newest of these. */
  readonly dropped: ReadonlyMap<string, number>
}

/**
 * Whether it is time to drop commits: their number exceeds the limit by an eighth, or age has not been looked at for a while.
 * Amortised over the commits in between, dropping costs a constant for each.
 */
export function isTrimDue({ keep }: HistoryLimits, stored: number, position: number): boolean {
  return areTooMany(keep, stored) || position % EVERY === 0
}

/** Whether the number of stored commits exceeds the limit by an eighth. */
export function areTooMany(keep: number, stored: number): boolean {
  return stored > keep + (keep >= 100 ? keep >> 3 : 0)
}

/** Whether a commit is dropped for its age, if all older ones are. */
export function isTooOld({ at }: { readonly at: number }, { days }: HistoryLimits, now: number): boolean {
  return at < now - days * DAY
}

/**
 * Decides which commits are dropped. Those that are too old go first. Then the key with the most commits of its own loses its
 * oldest one, until few enough are left: a key that is rewritten every second does not evict the rare changes of the others.
 * When no key has more than one commit of its own, the oldest commit goes.
 *
 * @param index - the stored commits, oldest first.
 * @param now - by the store's clock, in milliseconds since 1970.
 */
export function retain(index: readonly IndexedCommit[], limits: HistoryLimits, now: number, floor: number): Retention {
  const firstYoung = index.findIndex(commit => !isTooOld(commit, limits, now))
  const old = index.slice(0, firstYoung < 0 ? index.length : firstYoung)
  const young = firstYoung < 0 ? [] : index.slice(firstYoung)
  const surplus = chooseSurplus(young, young.length - limits.keep)
  const gone = new Set([...old, ...surplus])
  return withFloor(index, gone, floor)
}

/** The commits to drop, of those that are young enough. */
function chooseSurplus(index: readonly IndexedCommit[], count: number): IndexedCommit[] {
  if (count <= 0) return []
  const chosen = shorten([...groupByKey(index).values()], count)
  const taken = new Set(chosen)
  for (const commit of index) {
    if (chosen.length >= count) break
    if (!taken.has(commit)) chosen.push(commit)
  }
  return chosen
}

function groupByKey(index: readonly IndexedCommit[]): Map<string, IndexedCommit[]> {
  const groups = new Map<string, IndexedCommit[]>()
  for (const commit of index) {
    if (commit.key === undefined) continue
    const group = groups.get(commit.key)
    if (group) group.push(commit)
    else groups.set(commit.key, [commit])
  }
  return groups
}

/**
 * Takes the oldest commit of the longest queue (of equals, of the one whose oldest commit is older) until `count` are taken or no
 * queue has more than one. That amounts to cutting all queues to one length, and some of them by one more: nothing is searched
 * for each commit.
 */
function shorten(queues: readonly IndexedCommit[][], count: number): IndexedCommit[] {
  const length = commonLength(queues, count)
  const taken = queues.flatMap(queue => queue.slice(0, Math.max(0, queue.length - length)))
  if (length === 1) return taken
  const next = queues
    .filter(queue => queue.length >= length)
    .map(queue => queue[queue.length - length] as IndexedCommit)
  next.sort((one, other) => one.position - other.position)
  return [...taken, ...next.slice(0, count - taken.length)]
}

/** The smallest length, from 1, to which all queues can be cut by taking at most `count` commits. */
function commonLength(queues: readonly IndexedCommit[][], count: number): number {
  const queuesOf = new Map<number, number>()
  for (const { length } of queues) queuesOf.set(length, (queuesOf.get(length) ?? 0) + 1)
  let length = Math.max(1, ...queuesOf.keys())
  let longer = 0
  for (let left = count; length > 1; length -= 1) {
    longer += queuesOf.get(length) ?? 0
    left -= longer
    if (left < 0) break
  }
  return length
}

/** What is gone from the beginning on raises the floor; the rest is remembered by key. */
function withFloor(index: readonly IndexedCommit[], gone: ReadonlySet<IndexedCommit>, before: number): Retention {
  const firstKept = index.find(commit => !gone.has(commit))
  const newest = index.at(-1)?.position ?? before
  const floor = Math.max(before, firstKept ? lastGoneBefore(index, firstKept, before) : newest)
  const dropped = new Map<string, number>()
  for (const { key, position } of gone) {
    if (position > floor && key !== undefined) dropped.set(key, Math.max(position, dropped.get(key) ?? 0))
  }
  return { positions: [...gone].map(({ position }) => position), floor, dropped }
}

function lastGoneBefore(index: readonly IndexedCommit[], firstKept: IndexedCommit, before: number): number {
  return index[index.indexOf(firstKept) - 1]?.position ?? before
}
