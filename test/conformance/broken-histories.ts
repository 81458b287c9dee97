import { MemoryBackend } from '../../src/backends/memory/memory-backend.js'
import type {
  Batch,
  Committed,
  HistoryPage,
  HistoryQuery,
  MemoryStore,
  StoredCommit,
  Version,
} from '../../src/index.js'

type Commits = readonly StoredCommit<unknown>[]
type Kind = new (store: MemoryStore) => MemoryBackend

/** The history of a backend that returns other commits than those that it recorded. */
function returning(alter: (commits: Commits) => Commits): Kind {
  return class extends MemoryBackend {
    override history(query: HistoryQuery): HistoryPage<unknown> {
      const page = super.history(query)
      return { ...page, commits: alter(page.commits).slice(0, query.limit) }
    }
  }
}

const dropped = returning(commits => commits.filter((_, index) => index !== 1))
const doubled = returning(commits => commits.flatMap((commit, index) => (index === 0 ? [commit, commit] : [commit])))
const swapped = returning(([first, second, ...rest]) =>
  first && second ? [second, first, ...rest] : first ? [first] : [],
)
const anonymous = returning(commits => commits.map(commit => ({ ...commit, by: undefined })))
const withoutReason = returning(commits => commits.map(commit => ({ ...commit, reason: undefined })))
const withoutBefore = returning(commits =>
  commits.map(commit => ({ ...commit, changes: commit.changes.map(({ before: _, ...change }) => change) })),
)

/** Records an entry even for groups that conflict. */
class ConflictsRecorded extends MemoryBackend {
  readonly #store: MemoryStore

  constructor(store: MemoryStore) {
    super(store)
    this.#store = store
  }

  override commit(batch: Batch<unknown>, since: Version): Committed<unknown> {
    const committed = super.commit(batch, since)
    for (const [index, { status }] of committed.outcomes.entries()) {
      const group = batch.groups[index]
      if (status === 'conflict') this.#store.history.add(this.#store.version, group?.attribution, [{ key: 'a' }])
    }
    return committed
  }
}

/** Records the author of the first group for all groups of a batch. */
class OneAuthorForAll extends MemoryBackend {
  override commit({ id, groups }: Batch<unknown>, since: Version): Committed<unknown> {
    const attribution = groups[0]?.attribution
    return super.commit({ id, groups: groups.map(group => ({ ...group, attribution })) }, since)
  }
}

class PolicyIgnored extends MemoryBackend {
  override setHistoryPolicy(): void {}
}

class NeverForgets extends MemoryBackend {
  override forgetAuthor(): number {
    return 0
  }
}

/** Does not say what was dropped. */
class SilentlyIncomplete extends MemoryBackend {
  override history(query: HistoryQuery): HistoryPage<unknown> {
    return { ...super.history(query), floor: 0, dropped: [] }
  }
}

const WHOLE = /an executed group is one commit, with its author and both sides of each key/

/** Backends whose history is broken in one way, with a test that must detect it. */
export const BROKEN_HISTORIES: readonly (readonly [string, Kind, RegExp])[] = [
  ['the history drops a commit', dropped, WHOLE],
  ['the history doubles a commit', doubled, /pages are without gaps and doubles/],
  ['the history swaps two commits', swapped, /each group of a batch is a commit of its own, in order/],
  ['the history loses authors', anonymous, WHOLE],
  ['the history loses reasons', withoutReason, WHOLE],
  ['the history loses the values before', withoutBefore, WHOLE],
  ['the history records conflicts', ConflictsRecorded, /a conflict and a group without effect create no commit/],
  ['all groups of a batch get one author', OneAuthorForAll, /each group of a batch is a commit of its own, in order/],
  [
    'a dictionary attributes a write to another writer',
    OneAuthorForAll,
    /writes that share a batch keep their own author/,
  ],
  ['the history ignores its policy', PolicyIgnored, /the recorded policy holds for every writer/],
  ['the history forgets no author', NeverForgets, /an author is forgotten, the commits stay/],
  ['the history hides that it is incomplete', SilentlyIncomplete, /a policy of false drops the history and keeps none/],
  ['revert() relies on values that are missing', withoutBefore, /revert\(\) puts back what the keys held before/],
  ['at() relies on commits that are missing', dropped, /at\(\) is the state after a commit/],
]
