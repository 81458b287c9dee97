import { MemoryBackend } from '../../src/backends/memory/memory-backend.js'
import type { Batch, CatchUp, Committed, Listener, MemoryStore, State, Unsubscribe, Version } from '../../src/index.js'
import { RichEncoding } from '../../src/index.js'

type Commit = (batch: Batch<unknown>, since: Version) => Committed<unknown>

const turn = () => new Promise<void>(resolve => setImmediate(resolve))

/** A `commit` that replaces the real one. */
function committing(alter: (commit: Commit) => Commit): new (store: MemoryStore) => MemoryBackend {
  return class extends MemoryBackend {
    override commit(batch: Batch<unknown>, since: Version): Committed<unknown> {
      return alter((one, base) => super.commit(one, base))(batch, since)
    }
  }
}

class PopInTwoSteps extends MemoryBackend {
  override async pop(key: string): Promise<unknown> {
    const stored = new Map(this.durables()).get(key)
    await turn()
    this.depersist(key)
    return stored
  }
}

class SetDefaultInTwoSteps extends MemoryBackend {
  override async setDefault(key: string, stored: unknown): Promise<unknown> {
    const found = new Map(this.durables()).get(key)
    await turn()
    if (found === undefined) this.persist(key, stored)
    return found ?? stored
  }
}

class SetDefaultThatTouches extends MemoryBackend {
  override setDefault(key: string, stored: unknown): unknown {
    const given = super.setDefault(key, stored)
    this.persist(key, given)
    return given
  }
}

/** The state before a removal has the version of the state after it. */
class SameVersionAfterDelete extends MemoryBackend {
  static readonly #removals = new Map<Version, Version>()

  override depersist(key: string): boolean {
    const before = this.lastUpdated()
    const removed = super.depersist(key)
    if (removed) SameVersionAfterDelete.#removals.set(super.lastUpdated(), before)
    return removed
  }

  override lastUpdated(): Version {
    const version = super.lastUpdated()
    return SameVersionAfterDelete.#removals.get(version) ?? version
  }
}

class VersionOfContents extends MemoryBackend {
  override lastUpdated(): Version {
    return JSON.stringify([...this.durables()].sort())
  }
}

class VersionThatLags extends MemoryBackend {
  #cached: { version: Version; at: number } | undefined

  override lastUpdated(): Version {
    if (!this.#cached || performance.now() - this.#cached.at > 20) {
      this.#cached = { version: super.lastUpdated(), at: performance.now() }
    }
    return this.#cached.version
  }
}

class WritesThatAreForgotten extends MemoryBackend {
  static #count = 0

  override persist(key: string, stored: unknown): void {
    WritesThatAreForgotten.#count += 1
    if (WritesThatAreForgotten.#count % 10 !== 0) super.persist(key, stored)
  }
}

class KeysNormalised extends MemoryBackend {
  override persist(key: string, stored: unknown): void {
    super.persist(key.normalize('NFC'), stored)
  }
}

class KeysInLowerCase extends MemoryBackend {
  override persist(key: string, stored: unknown): void {
    super.persist(key.toLowerCase(), stored)
  }

  override depersist(key: string): boolean {
    return super.depersist(key.toLowerCase())
  }
}

class ValuesEndAtNul extends MemoryBackend {
  override persist(key: string, stored: unknown): void {
    super.persist(key, typeof stored === 'string' ? stored.replace(/\0.*/s, '') : stored)
  }
}

class DeleteAlwaysTrue extends MemoryBackend {
  override depersist(key: string): boolean {
    super.depersist(key)
    return true
  }
}

/** The chain looks complete, but the second of its changes is empty. */
class LogWithHole extends MemoryBackend {
  override changesSince(since: Version): CatchUp<unknown> {
    const answer = super.changesSince(since)
    if (answer.type !== 'changes') return answer
    return { ...answer, changes: answer.changes.map((one, index) => (index === 1 ? { ...one, effects: [] } : one)) }
  }
}

class LogUnchained extends MemoryBackend {
  override changesSince(since: Version): CatchUp<unknown> {
    const answer = super.changesSince(since)
    if (answer.type !== 'changes') return answer
    return { ...answer, changes: answer.changes.filter((_, index) => index !== 1) }
  }
}

class LogOfForeigners extends MemoryBackend {
  override changesSince(since: Version): CatchUp<unknown> {
    const answer = super.changesSince(since)
    return answer.type === 'tooOld' ? { type: 'changes', version: this.lastUpdated(), changes: [] } : answer
  }
}

class LoadThatIsKept extends MemoryBackend {
  #state: State<unknown> | undefined

  override load(): State<unknown> {
    if (this.#state?.version !== this.lastUpdated()) this.#state = super.load()
    return this.#state as State<unknown>
  }
}

class Silent extends MemoryBackend {
  override subscribe(): Unsubscribe {
    return () => {}
  }
}

class DeafToItself extends MemoryBackend {
  static readonly #own = new Set<Version>()

  override depersist(key: string): boolean {
    const removed = super.depersist(key)
    DeafToItself.#own.add(this.lastUpdated())
    return removed
  }

  override subscribe(listener: Listener<unknown>): Unsubscribe {
    const changed: Listener<unknown>['changed'] = change => {
      if (!change || !DeafToItself.#own.has(change.version)) listener.changed(change)
    }
    return super.subscribe({ changed, interrupted: cause => listener.interrupted(cause) })
  }
}

class NeverUnsubscribed extends MemoryBackend {
  override subscribe(listener: Listener<unknown>): Unsubscribe {
    super.subscribe(listener)
    return () => {}
  }
}

class BoundForgotten extends MemoryBackend {
  override registerMaxStaleness(): void {}
}

class Undeclared extends MemoryBackend {
  readonly supports = { subscribe: false }
}

const withoutConditions: Batch<unknown>['groups'][number]['conditions'] = []

const conditionsIgnored = committing(
  commit => (batch, since) =>
    commit({ ...batch, groups: batch.groups.map(group => ({ ...group, conditions: withoutConditions })) }, since),
)

/** If the condition of a group fails, its first operation is executed anyway. */
const halfGroups = committing(commit => (batch, since) => {
  const committed = commit(batch, since)
  const halves = batch.groups
    .filter((_, index) => committed.outcomes[index]?.status === 'conflict')
    .map(({ operations }) => ({ conditions: withoutConditions, operations: operations.slice(0, 1) }))
  return halves.length > 0 ? { ...committed, catchUp: commit({ ...batch, groups: halves }, since).catchUp } : committed
})

const catchUpOfOwnOnly = committing(commit => (batch, since) => {
  const { catchUp, ...rest } = commit(batch, since)
  if (catchUp.type !== 'changes') return { ...rest, catchUp }
  return { ...rest, catchUp: { ...catchUp, changes: catchUp.changes.filter(({ id }) => id === batch.id) } }
})

const resultsLost = committing(commit => (batch, since) => {
  const committed = commit(batch, since)
  const outcomes = committed.outcomes.map(one => (one.status === 'done' ? { ...one, results: [] } : one))
  return { ...committed, outcomes }
})

const touchesWithoutEffect = committing(commit => (batch, since) => {
  const stored = new RichEncoding().encode(null)
  const touch = [{ type: 'set', key: 'touched', stored } as const, { type: 'delete', key: 'touched' } as const]
  return commit({ ...batch, groups: [...batch.groups, { conditions: [], operations: touch }] }, since)
})

/** Backends that are each broken in one way, with a test that must detect it. */
export const BROKEN: readonly (readonly [string, new (store: MemoryStore) => MemoryBackend, RegExp])[] = [
  ['pop() is not atomic', PopInTwoSteps, /exactly one concurrent pop\(\) of a key gets its value/],
  ['setDefault() is not atomic', SetDefaultInTwoSteps, /exactly one concurrent setDefault\(\) of a key/],
  ['setDefault() changes what exists', SetDefaultThatTouches, /setDefault\(\) inserts a missing key/],
  ['a removal does not change the version', SameVersionAfterDelete, /the version differs after every change/],
  ['the version recurs', VersionOfContents, /the version differs after every change/],
  ['two stores share versions', VersionOfContents, /two stores never share a version/],
  ['the version lags behind', VersionThatLags, /the version differs after every change/],
  ['writes are forgotten', WritesThatAreForgotten, /overlapping writes are all kept/],
  ['keys are normalised', KeysNormalised, /four methods > keys of every kind/],
  ['keys know no case', KeysInLowerCase, /four methods > keys of every kind/],
  ['values end at NUL', ValuesEndAtNul, /stored forms of every kind are kept exactly/],
  ['depersist() always gives true', DeleteAlwaysTrue, /depersist\(\) removes the key and returns whether/],
  ['the change log drops a change', LogWithHole, /leads from any recent state/],
  ['the change log has a gap', LogUnchained, /leads from any recent state/],
  [
    'the change log accepts foreign versions',
    LogOfForeigners,
    /changesSince\(\) reports divergence for a version of another store/,
  ],
  [
    'load() returns the map that the backend keeps using',
    LoadThatIsKept,
    /load\(\) returns entries that belong to the caller/,
  ],
  ['nothing is pushed', Silent, /subscribe\(\) reports changes by others/],
  ['own changes are not pushed', DeafToItself, /subscribe\(\) reports changes by others and by the backend itself/],
  ['unsubscribing does nothing', NeverUnsubscribed, /not notified after it unsubscribes/],
  ['bounds are forgotten', BoundForgotten, /commit\(\) returns the largest recorded bound/],
  ['the dictionary forgets bounds', BoundForgotten, /a write with everywhere waits until/],
  ['a capability is declared missing that the subject has', Undeclared, /the subject declares what the backend lacks/],
  ['conditions are ignored', conditionsIgnored, /a group is executed only if each condition holds/],
  ['transactions ignore conditions', conditionsIgnored, /no write skew/],
  ['commit() is not all or nothing', halfGroups, /a group is executed only if each condition holds/],
  ['transactions are not atomic', halfGroups, /rejects with ConflictError after its retries/],
  ['commit() tells of its own changes only', catchUpOfOwnOnly, /the answer leads from the given version/],
  ['commit() loses its results', resultsLost, /operations are executed in order, and each returns its result/],
  ['the dictionary gets no results', resultsLost, /pop\(\) removes the key and returns its value/],
  [
    'batches without effect change the version',
    touchesWithoutEffect,
    /a batch without effect does not change the version/,
  ],
]
