import { expect } from 'vitest'
import { type Commit, ConflictError, HistoryError, type RevertOptions } from '../../src/index.js'
import type { Dict } from './places.js'

type State = ReadonlyMap<string, unknown>

export type Step =
  | { readonly do: 'set'; readonly key: string; readonly value: unknown }
  | { readonly do: 'setDefault'; readonly key: string; readonly value: unknown }
  | { readonly do: 'delete'; readonly key: string }
  | { readonly do: 'pop'; readonly key: string }
  | { readonly do: 'clear' }

export interface Author {
  readonly by: string | undefined
  readonly reason: string | undefined
}

interface Recorded extends Author {
  readonly changes: ReadonlyMap<string, { readonly before: unknown; readonly after: unknown }>
  /** The state after it. */
  readonly state: State
}

/** What a history must say: the commits, oldest first, as plain data. */
export class Past {
  readonly commits: Recorded[] = []
  /** Their ids, as far as a history has named them, in the same order. */
  readonly ids: string[] = []

  get state(): State {
    return this.commits.at(-1)?.state ?? new Map()
  }

  /** Executes the steps as one commit. */
  commit(steps: readonly Step[], author: Author): void {
    const state = new Map(this.state)
    const changes = new Map<string, { before: unknown; after: unknown }>()
    const note = (key: string, after: unknown) => {
      changes.set(key, { before: this.state.get(key), after })
      if (after === undefined) state.delete(key)
      else state.set(key, after)
    }
    for (const step of steps) {
      if (step.do === 'clear') for (const key of [...state.keys()]) note(key, undefined)
      else if (step.do === 'set') note(step.key, step.value)
      else if (step.do === 'setDefault') {
        if (!state.has(step.key)) note(step.key, step.value)
      } else if (state.has(step.key)) note(step.key, undefined)
    }
    // What a transaction wrote and removed again does not count.
    for (const [key, { before, after }] of changes) if (before === undefined && after === undefined) changes.delete(key)
    if (changes.size > 0) this.commits.push({ ...author, changes, state })
  }

  /** Compares everything that the history says, and learns the ids. */
  async expectAll(dict: Dict): Promise<void> {
    const stream = dict.history()
    const found = await stream.toArray()
    expect(found.map(plain)).toEqual(this.commits.map(expected).reverse())
    expect(stream.complete).toBe(true)
    this.ids.splice(0, this.ids.length, ...found.map(({ id }) => id).reverse())
    expect(new Set(this.ids).size).toBe(found.length)
  }

  async expectPages(dict: Dict, limit: number, key: string | undefined): Promise<void> {
    const wanted = this.ids.filter((_, index) => key === undefined || this.commits[index]?.changes.has(key))
    const ids: string[] = []
    for (let before: string | undefined; ; before = ids.at(-1)) {
      const page = await dict.history({ limit, key, before }).toArray()
      expect(page.length).toBeLessThanOrEqual(limit)
      ids.push(...page.map(({ id }) => id))
      if (page.length < limit) break
    }
    expect(ids).toEqual(wanted.reverse())
  }

  /** Of keys whose past is no longer known, reading must say so; everything else must be right. */
  async expectStates(dict: Dict, keys: readonly string[], isComplete: boolean): Promise<void> {
    for (const { id } of await dict.history().toArray()) {
      const index = this.ids.indexOf(id)
      if (index < 0) continue
      const past = await dict.at(id)
      const state = this.commits[index]?.state as State
      if (isComplete) expect(new Map(past)).toEqual(state)
      for (const key of keys) {
        const seen = attempt(() => past.get(key))
        if (!(seen instanceof HistoryError) || isComplete) expect(seen).toEqual(state.get(key))
      }
    }
  }

  async revert(dict: Dict, index: number, options: RevertOptions, author: Author): Promise<void> {
    const commit = this.commits[index] as Recorded
    const keys = options.keys ?? [...commit.changes.keys()]
    const later = this.commits.slice(index + 1)
    const changed = keys.filter(key => later.some(({ changes }) => changes.has(key)))
    const done = dict.revert(this.ids[index] as string, options)
    if (changed.length > 0 && !options.force) {
      const error = await done.then(
        () => undefined,
        fault => fault,
      )
      expect(error).toBeInstanceOf(ConflictError)
      for (const key of changed) expect(error.message).toContain(JSON.stringify(key))
      return
    }
    await done
    this.commit(
      keys.map(key => {
        const before = commit.changes.get(key)?.before
        return before === undefined ? { do: 'delete', key } : { do: 'set', key, value: before }
      }),
      author,
    )
  }
}

function attempt(read: () => unknown): unknown {
  try {
    return read()
  } catch (error) {
    return error
  }
}

function plain({ by, reason, changes }: Commit): object {
  return {
    by,
    reason,
    changes: new Map(changes.map(change => [change.key, { before: change.before, after: change.after }])),
  }
}

function expected({ by, reason, changes }: Recorded): object {
  return { by, reason, changes }
}
