import type { HistoryPage, HistoryQuery, StoredCommit } from '../../contract/history.js'
import type { Internals } from '../assembly.js'
import { checkNames, checkSignal, wrong } from '../option-checks.js'
import { noHistory } from '../settings.js'
import { StateView } from '../views.js'
import type { Writes } from '../writes.js'
import { checkBy } from './attribution.js'
import { CommitStream, type HistoryOptions } from './commit-stream.js'
import { type Commit, toCommit } from './commits.js'
import { pastState } from './past-state.js'
import { type RevertOptions, revert } from './revert.js'

/** The history of an open dictionary. */
export class PastReader {
  readonly #internals: Internals
  readonly #writes: Writes

  constructor(internals: Internals, writes: Writes) {
    this.#internals = internals
    this.#writes = writes
  }

  commits(options: HistoryOptions = {}): CommitStream {
    checkNames(options, ['key', 'before', 'limit', 'signal'], 'history()')
    const { key, before, limit, signal } = options
    if (key !== undefined) this.#internals.keys.check(key)
    if (before !== undefined && typeof before !== 'string') throw wrong('before', 'the id of a commit', before)
    if (limit !== undefined && !(Number.isSafeInteger(limit) && limit >= 1))
      throw wrong('limit', 'a whole number from 1', limit)
    checkSignal(signal)
    return new CommitStream({ page: query => this.#page(query), toCommit: stored => this.#toCommit(stored) }, options)
  }

  async forget({ by }: { readonly by: string }): Promise<number> {
    this.#writes.assertWritable()
    this.#assertSupported('history.forget()')
    if (checkBy(by) === undefined) throw wrong('by', 'an author', by)
    return this.#internals.past.forgetAuthor(by)
  }

  async revert(id: string, options: RevertOptions = {}): Promise<void> {
    this.#writes.checkOptions(options, ['keys', 'force'])
    this.#assertSupported('revert()')
    checkId(id, 'revert()')
    const { keys, force } = options
    if (keys !== undefined && !Array.isArray(keys)) throw wrong('keys', 'an array of keys', keys)
    for (const key of keys ?? []) this.#internals.keys.check(key)
    if (force !== undefined && typeof force !== 'boolean') throw wrong('force', 'a boolean', force)
    const submit = this.#writes.submit.bind(this.#writes)
    await revert({ ...this.#context(), submit }, id, options)
  }

  async at(when: string | Date): Promise<StateView> {
    this.#assertSupported('at()')
    if (!(when instanceof Date)) checkId(when, 'at()')
    else if (Number.isNaN(when.getTime())) throw new TypeError('at() takes the id of a commit or a valid Date.')
    const { codec } = this.#internals
    const decode = (key: string, stored: unknown) => codec.decode(key, stored)
    return new StateView(await pastState({ ...this.#context(), decode }, when), this.#internals)
  }

  #context() {
    const { name, replica } = this.#internals
    return {
      dictionary: name,
      page: (query: HistoryQuery) => this.#page(query),
      state: async () => {
        this.#writes.assertOpen()
        await replica.sync()
        return replica.memory.freeze()
      },
    }
  }

  async #page(query: HistoryQuery): Promise<HistoryPage<unknown>> {
    this.#writes.assertOpen()
    this.#assertSupported('history()')
    return this.#internals.past.history(query)
  }

  #toCommit(stored: StoredCommit<unknown>): Commit {
    return toCommit(stored, (key, value) => this.#internals.codec.decode(key, value).value)
  }

  #assertSupported(call: string): void {
    const { name, store } = this.#internals
    if (!store.supports.history) throw noHistory(call, name)
  }
}

function checkId(id: unknown, call: string): void {
  if (typeof id !== 'string' || id === '')
    throw new TypeError(`${call} takes the id of a commit, as history() returns it.`)
}
