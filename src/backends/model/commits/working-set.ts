import type { Group, Operation, Version } from '../../../contract/backend.js'
import type { Target } from '../../../contract/execute-group.js'
import type { RowChanges } from '../table/rows.js'
import type { Stored } from '../table/stored.js'

/**
 * The entries on which groups are executed inside a transaction. They are read before and written after, so that a batch costs few
 * statements. A row is written once, even if its key was set several times.
 */
export class WorkingSet implements Target<Stored> {
  readonly #before: Map<string, Stored>
  readonly #now = new Map<string, Stored | undefined>()
  readonly #touchedSince: (since: Version, key: string) => boolean
  #any: boolean
  #cleared = false

  /**
   * @param before - what is stored under the keys in question.
   * @param any - whether anything is stored.
   */
  constructor(before: Map<string, Stored>, any: boolean, touchedSince: (since: Version, key: string) => boolean) {
    this.#before = before
    this.#any = any
    this.#touchedSince = touchedSince
  }

  get(key: string): Stored | undefined {
    if (this.#now.has(key)) return this.#now.get(key)
    return this.#cleared ? undefined : this.#before.get(key)
  }

  set(key: string, stored: Stored): void {
    this.#now.set(key, stored)
    this.#any = true
  }

  delete(key: string): void {
    this.#now.set(key, undefined)
  }

  clear(): boolean {
    const any = this.#any || [...this.#now.values()].some(stored => stored !== undefined)
    this.#now.clear()
    this.#cleared = true
    this.#any = false
    return any
  }

  *entries(): Generator<readonly [string, Stored]> {
    for (const [key, stored] of this.#cleared ? [] : this.#before) if (!this.#now.has(key)) yield [key, stored]
    for (const [key, stored] of this.#now) if (stored !== undefined) yield [key, stored]
  }

  changedSince(since: Version, key: string): boolean {
    return this.#touchedSince(since, key)
  }

  /** What is to be written. */
  changes(): RowChanges {
    const create = new Map<string, Stored>()
    const update = new Map<string, Stored>()
    const remove: string[] = []
    for (const [key, stored] of this.#now) {
      const was = !this.#cleared && this.#before.has(key)
      if (stored === undefined) {
        if (was) remove.push(key)
      } else (was ? update : create).set(key, stored)
    }
    return { clear: this.#cleared, create, update, remove }
  }
}

/** The keys that operations are about. */
export function keysOf(groups: readonly Group<unknown>[]): string[] {
  const keys = new Set<string>()
  for (const { operations } of groups) for (const one of operations) if (one.type !== 'clear') keys.add(one.key)
  return [...keys]
}

/** Whether any operation is about everything. */
export function clears(groups: readonly Group<unknown>[]): boolean {
  return groups.some(({ operations }) => operations.some((one: Operation<unknown>) => one.type === 'clear'))
}

/** The keys whose rows external writers have changed. */
export function touchedKeys(groups: readonly Group<unknown>[]): string[] {
  return groups.flatMap(({ operations }) => operations.flatMap(one => (one.type === 'touch' ? [one.key] : [])))
}
