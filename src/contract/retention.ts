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
  return stored > keep + (keep >= 100 ? keep >> 3 : 0) || position % EVERY === 0
}

/**
 * Decides which commits are dropped. Those that are too old go first. Then the key with the most commits of its own loses its
 * oldest one, until few enough are left: a key that is rewritten every second does not evict the rare changes of the others.
 * When no key has more than one commit of its own, the oldest commit goes.
 *
 * @param index - the stored commits, oldest first.
 * @param now - by the store's clock, in milliseconds since 1970.
 */
export function retain(
  index: readonly IndexedCommit[],
  { keep, days }: HistoryLimits,
  now: number,
  floor: number,
): Retention {
  const cutoff = now - days * DAY
  const firstYoung = index.findIndex(({ at }) => at >= cutoff)
  const old = index.slice(0, firstYoung < 0 ? index.length : firstYoung)
  const young = firstYoung < 0 ? [] : index.slice(firstYoung)
  const surplus = chooseSurplus(young, young.length - keep)
  const gone = new Set([...old, ...surplus])
  return withFloor(index, gone, floor)
}

/** The commits to drop, of those that are young enough. */
function chooseSurplus(index: readonly IndexedCommit[], count: number): IndexedCommit[] {
  const chosen: IndexedCommit[] = []
  if (count <= 0) return chosen
  const queues = [...groupByKey(index).values()].filter(({ length }) => length > 1)
  while (chosen.length < count) {
    const longest = longestOf(queues)
    if (!longest) break
    chosen.push(longest.shift() as IndexedCommit)
  }
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

/** The queue with the most commits; of equals, the one whose oldest commit is older. */
function longestOf(queues: readonly IndexedCommit[][]): IndexedCommit[] | undefined {
  let longest: IndexedCommit[] | undefined
  for (const queue of queues) {
    if (queue.length < 2) continue
    if (!longest || queue.length > longest.length || (queue.length === longest.length && isOlder(queue, longest))) {
      longest = queue
    }
  }
  return longest
}

function isOlder([one]: readonly IndexedCommit[], [other]: readonly IndexedCommit[]): boolean {
  return (one as IndexedCommit).position < (other as IndexedCommit).position
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
