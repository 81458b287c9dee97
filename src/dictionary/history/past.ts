import { types } from 'node:util'
import type { Group } from '../../contract/backend.js'
import type { HistoryPage, HistoryQuery, StoredCommit } from '../../contract/history.js'
import type { Internals } from '../assembly.js'
import { boolean, checkNames, checkSignal, wrong } from '../option-checks.js'
import { noHistory } from '../settings.js'
import type { StateView } from '../views.js'
import type { Writes } from '../writes.js'
import { checkBy } from './attribution.js'
import { CommitStream, type HistoryOptions } from './commit-stream.js'
import { type Commit, toCommit } from './commits.js'
import { pastState } from './past-state.js'
import { PastView } from './past-view.js'
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
    // From here on only what was checked: the caller's object may change before the first page is read.
    if (key !== undefined) this.#internals.keys.check(key)
    if (before !== undefined && typeof before !== 'string') throw wrong('before', 'the id of a commit', before)
    if (limit !== undefined && !(Number.isSafeInteger(limit) && limit >= 1))
      throw wrong('limit', 'a whole number from 1', limit)
    checkSignal(signal)
    const source = {
      page: (query: HistoryQuery) => this.#page(query),
      toCommit: (stored: StoredCommit<unknown>) => this.#toCommit(stored),
    }
    return new CommitStream(source, { key, before, limit, signal })
  }

  async forget(author: { readonly by: string }): Promise<number> {
    this.#writes.assertWritable()
    this.#assertSupported('history.forget()')
    checkNames(author, ['by'], 'history.forget()')
    const { by } = author
    if (checkBy(by) === undefined) throw wrong('by', 'an author', by)
    return this.#internals.past.forgetAuthor(by)
  }

  /** @param writes - those of the view that reverts. */
  async revert(id: string, options: RevertOptions = {}, writes = this.#writes): Promise<void> {
    const terms = writes.checkOptions(options, ['keys', 'force'])
    this.#assertSupported('revert()')
    checkId(id, 'revert()')
    const { keys, force = false } = options
    if (keys !== undefined && !Array.isArray(keys)) throw wrong('keys', 'an array of keys', keys)
    const chosen = keys && new Set(keys.map(key => this.#internals.keys.check(key)))
    boolean('force', force)
    const submit = (group: Group<unknown>) => writes.submit(group, terms)
    const { codec, keys: accepted } = this.#internals
    await revert({ ...this.#context(), accepted, codec, submit }, id, { keys: chosen, force })
  }

  async at(when: string | Date): Promise<StateView> {
    this.#assertSupported('at()')
    const { codec } = this.#internals
    const decode = (key: string, stored: unknown) => codec.decode(key, stored)
    return new PastView(await pastState({ ...this.#context(), decode }, checkWhen(when)), this.#internals)
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
    this.#writes.assertOpen()
    return toCommit(stored, (key, value) => this.#internals.codec.decode(key, value).value)
  }

  #assertSupported(call: string): void {
    const { name, store } = this.#internals
    if (!store.supports.history) throw noHistory(call, name)
  }
}

/** Also accepts a Date of another realm, and the caller may change it afterwards. */
function checkWhen(when: string | Date): string | Date {
  if (!types.isDate(when)) {
    checkId(when, 'at()')
    return when
  }
  const time = new Date(when)
  if (Number.isNaN(time.getTime())) throw new TypeError('at() takes the id of a commit or a valid Date.')
  return time
}

function checkId(id: unknown, call: string): void {
  if (typeof id !== 'string' || id === '')
    throw new TypeError(`${call} takes the id of a commit, as history() returns it.`)
}
