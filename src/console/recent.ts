import type { Operator } from './operator.js'
import type { LatestChange } from './protocol.js'

/** How far back the console looks for the latest change of each key, in ms: a day of any time zone. */
const REACH = 36 * 3_600_000

/** How many commits it reads at most. */
const MAX_COMMITS = 2_000

/** How many it reads at once: all of a day, or what came after the latest one that it knows. */
const PAGE = 100
const NEWER = 10

/** When and by whom each key was changed last, as far as the history of the last day says. It reads only what is new. */
export class RecentChanges {
  readonly #operator: Operator
  readonly #changes = new Map<string, LatestChange>()
  #newest: string | undefined
  #reading: Promise<void> | undefined
  #next: Promise<void> | undefined

  constructor(operator: Operator) {
    this.#operator = operator
  }

  /** Never rejects: without history, or while the store cannot be reached, nothing more is known. */
  async latest(): Promise<ReadonlyMap<string, LatestChange>> {
    if (!this.#operator.hasHistory) return this.#changes
    if (!this.#next && !this.#reading) await this.#start()
    else await this.#afterwards()
    return this.#changes
  }

  /** A read that has begun may have missed the latest commit: the next one is shared. */
  #afterwards(): Promise<void> {
    this.#next ??= (this.#reading as Promise<void>).then(() => {
      this.#next = undefined
      return this.#start()
    })
    return this.#next
  }

  #start(): Promise<void> {
    this.#reading = this.#read()
      .catch(() => {})
      .finally(() => {
        this.#reading = undefined
      })
    return this.#reading
  }

  async #read(): Promise<void> {
    const until = this.#newest
    const found = new Map<string, LatestChange>()
    let before: string | undefined
    for (let read = 0, limit = until ? NEWER : PAGE; read < MAX_COMMITS; read += limit) {
      const { commits } = await this.#operator.history({ before, limit })
      if (before === undefined) this.#newest = commits[0]?.id
      for (const { id, at, by, changes } of commits) {
        if (id === until || at < Date.now() - REACH) return this.#add(found)
        for (const { key } of changes) if (!found.has(key)) found.set(key, { at, ...(by !== undefined && { by }) })
      }
      if (commits.length < limit) break
      before = commits.at(-1)?.id
    }
    this.#add(found)
  }

  #add(found: ReadonlyMap<string, LatestChange>): void {
    for (const [key, change] of found) this.#changes.set(key, change)
  }
}
