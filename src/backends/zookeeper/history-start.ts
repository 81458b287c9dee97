import type { HistoryPolicy } from '../../contract/history.js'
import { type Head, historyOf, versionOf } from './head.js'
import { type EntryName, lastOf } from './history-entry-name.js'
import { folderOf } from './history-folders.js'
import { formatState, type HistoryMark, type HistoryState, newState } from './history-state.js'
import { type HistoryZnodes, type Listing, newestPosition } from './history-znodes.js'
import type { Names } from './names.js'
import type { Step } from './transport.js'

/** From where a transaction continues the history. */
export interface HistoryStart {
  readonly mark: HistoryMark
  /** What else belongs to the transaction: a repair, or a new policy. */
  readonly steps: readonly Step[]
  /** How many of them create a child of the dictionary's znode. */
  readonly touched: number
}

/** What the head should say, and the state above the commits, if it must be written. */
interface Recovered {
  readonly mark: HistoryMark
  readonly state?: HistoryState
}

/** Continues from what the head says. */
export function startFrom(mark: HistoryMark): HistoryStart {
  return { mark, steps: [], touched: 0 }
}

/**
 * Continues a history although the head does not mention it: a release without a history, or an external writer, made the
 * latest change. Unless the newest commit led to the present version, everything before is hidden: the history has no holes.
 */
export async function recover(znodes: HistoryZnodes, names: Names, head: Head): Promise<HistoryStart> {
  const listing = await znodes.list()
  const { mark, state } = await recovered(znodes, listing, head)
  return state ? { mark, ...writing(names, listing, state) } : startFrom(mark)
}

/** Records a policy. What was not recorded while there was no history is a hole, too. */
export async function changePolicy(
  znodes: HistoryZnodes,
  names: Names,
  head: Head,
  policy: HistoryPolicy,
): Promise<HistoryStart> {
  const listing = await znodes.list()
  const history = historyOf(head)
  const { mark, state = listing.state ?? newState(1) }: Recovered =
    history && history.epoch === listing.state?.epoch ? { mark: history } : await recovered(znodes, listing, head)
  const position = mark.policy === false && policy !== false ? mark.position + 1 : mark.position
  const floor = mark.policy === false || policy === false ? position : state.floor
  const dropped = state.dropped.filter(([, dropped]) => dropped > floor)
  const next = { epoch: state.epoch, floor, policy, dropped }
  return { mark: { ...mark, epoch: state.epoch, position, policy }, ...writing(names, listing, next) }
}

async function recovered(znodes: HistoryZnodes, listing: Listing, head: Head): Promise<Recovered> {
  const { state, entries } = listing
  const history = historyOf(head)
  const version = head.interruption?.version ?? versionOf(head)
  // A foreign znode beyond the head's position is not a commit: it only takes the names of the next ones.
  const own =
    history && history.epoch === state?.epoch ? entries.filter(one => lastOf(one) <= history.position) : entries
  const position = newestPosition(entries, state?.floor)
  if (state && (await leadsTo(znodes, own.at(-1), state, version))) return { mark: markOf(state, position, listing) }
  const floor = Math.max(1, position)
  const next = { ...(state ?? newState(floor)), floor, dropped: [] }
  return { mark: markOf(next, floor, listing), state: next }
}

function writing(names: Names, { root }: Listing, state: HistoryState): Omit<HistoryStart, 'mark'> {
  const common = { path: names.history, data: formatState(state) }
  if (!root) return { steps: [{ type: 'create', ...common }], touched: 1 }
  return { steps: [{ type: 'set', ...common, version: root.stat.version }], touched: 0 }
}

/** Whether the newest commit is the change that led to this version. */
async function leadsTo(
  znodes: HistoryZnodes,
  newest: EntryName | undefined,
  { epoch }: HistoryState,
  version: string,
): Promise<boolean> {
  if (!newest) return false
  const [read] = await znodes.read([newest])
  return read?.entry?.version === version && read.entry.epoch === epoch
}

function markOf({ epoch, policy }: HistoryState, position: number, { folders }: Listing): HistoryMark {
  const folder = folderOf(position + 1, folders)
  return { epoch, position, ...(folder !== undefined && { folder }), ...(policy !== undefined && { policy }) }
}
