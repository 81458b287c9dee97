import { lastOf } from './history-entry-name.js'
import { folderOf } from './history-folders.js'
import { policyOf } from './history-state.js'
import type { HistoryZnodes } from './history-znodes.js'
import type { Interruption } from './interruption.js'

/** Where the history ends if only its commits say it: after the newest one. Returns `undefined` if there is none. */
export async function endOf(znodes: HistoryZnodes): Promise<Interruption | undefined> {
  const { state, entries, folders } = await znodes.list()
  if (!state || policyOf(state) === false) return undefined
  const { epoch, policy } = state
  for await (const read of znodes.each(entries.toReversed())) {
    // What others have put there is not a commit.
    if (read?.entry?.epoch !== epoch) continue
    const position = lastOf(read.name)
    const mark = { epoch, position, folder: folderOf(position + 1, folders), policy }
    return { version: read.entry.version, zxid: read.znode.stat.czxid, mark }
  }
  return undefined
}
