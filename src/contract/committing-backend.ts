import type { Group, Operation, Outcome, State } from './backend.js'

/** The four methods and the atomic ones, for backends that commit batches. Each call is a batch of one operation. */
export abstract class CommittingBackend<S> {
  /** See `Backend.load`. */
  abstract load(progress: () => void): Promise<State<S>>

  /** Commits these groups as one batch, on the current state. */
  protected abstract commitGroups(groups: readonly Group<S>[]): Promise<readonly Outcome[]>

  async persist(key: string, stored: S): Promise<void> {
    await this.#commit({ type: 'set', key, stored })
  }

  async depersist(key: string): Promise<boolean> {
    return (await this.#commit({ type: 'delete', key })) as boolean
  }

  async pop(key: string): Promise<S | undefined> {
    return (await this.#commit({ type: 'pop', key })) as S | undefined
  }

  async setDefault(key: string, stored: S): Promise<S> {
    return (await this.#commit({ type: 'setDefault', key, stored })) as S
  }

  async durables(): Promise<Iterable<readonly [string, S]>> {
    return (await this.load(() => {})).entries
  }

  async #commit(operation: Operation<S>): Promise<unknown> {
    const [outcome] = await this.commitGroups([{ conditions: [], operations: [operation] }])
    if (outcome?.status === 'refused') throw outcome.error
    return outcome?.status === 'done' ? outcome.results[0] : undefined
  }
}
