import { policyOf } from './history-state.js'
import type { HistoryZnodes } from './history-znodes.js'
import type { Mirror } from './mirror.js'
import type { Names } from './names.js'
import { changesOutside, type Outside } from './outside.js'
import { PastEntries } from './past-entries.js'
import type { Session } from './session.js'
import type { Stored } from './stored.js'
import type { Stat } from './transport.js'

/** Finds out from the commits what external writers did, if no process knows the state before. */
export class OutsideSearch {
  readonly #session: Session
  readonly #names: Names
  readonly #znodes: HistoryZnodes

  constructor(session: Session, names: Names, znodes: HistoryZnodes) {
    this.#session = session
    this.#names = names
    this.#znodes = znodes
  }

  /** What they did before this state, whose history is interrupted. */
  async changes({ version, entries, position }: Mirror): Promise<Outside | undefined> {
    const { interruption } = position.head
    const past = interruption && (await PastEntries.read(this.#znodes, interruption.mark))
    if (!past) return undefined
    const after = new Map(entries)
    const before = await past.before(after, interruption.zxid, key => this.#statOf(key))
    return { version, mark: interruption.mark, operations: changesOutside(before, after) }
  }

  /** How they replaced the values of some keys. */
  async edits({ version, entries, position }: Mirror, edited: readonly string[]): Promise<Outside | undefined> {
    const { history } = position.head
    if (!history || policyOf(history) === false) return undefined
    const [before, after] = [new Map<string, Stored>(), new Map<string, Stored>()]
    const past = await PastEntries.read(this.#znodes, history)
    for (const key of edited) {
      const [left, stored] = [past?.valueOf(key), entries.get(key)]
      if (left !== undefined) before.set(key, left)
      if (stored !== undefined) after.set(key, stored)
    }
    return past && { version, mark: history, operations: changesOutside(before, after) }
  }

  async #statOf(key: string): Promise<Stat | undefined> {
    return (await this.#session.exists(this.#names.key(key))).value
  }
}
