import type { HistoryPage, HistoryQuery, StoredCommit } from '../../contract/history.js'
import { orAborted } from '../../time/or-aborted.js'
import type { Commit } from './commits.js'

/** How many commits a request asks for at most. */
const PAGE = 100

/** Which commits `history()` returns. */
export interface HistoryOptions<K extends string = string> {
  /**
   * Only commits that touched this key. Default: all.
   *
   * @example
   * for await (const { by, at } of settings.history({ key: 'payments' })) console.log(at, by)
   */
  key?: K | undefined
  /**
   * Only commits older than the one with this id: the last one of the page before. Default: from the newest on.
   *
   * @example
   * const next = settings.history({ before: last.id, limit: 20 })
   */
  before?: string | undefined
  /**
   * The most commits to return; at least 1. Default: all.
   *
   * @example
   * const [newest] = await settings.history({ limit: 1 }).toArray()
   */
  limit?: number | undefined
  /**
   * Ends the iteration: it then rejects with the signal's reason. Default: none.
   *
   * @example
   * settings.history({ signal: AbortSignal.timeout(1_000) })
   */
  signal?: AbortSignal | undefined
}

/** What a stream of commits reads from. */
export interface CommitSource {
  page(query: HistoryQuery): Promise<HistoryPage<unknown>>
  toCommit(stored: StoredCommit<unknown>): Commit
}

/** The commits of the past, newest first. They are read from the store page by page during the iteration. */
export class CommitStream<C = Commit> implements AsyncIterableIterator<C> {
  readonly #commits: AsyncGenerator<Commit, undefined>
  #complete: boolean | undefined

  constructor(source: CommitSource, options: HistoryOptions) {
    this.#commits = this.#read(source, options)
  }

  /**
   * Whether the store still has every commit since the dictionary was created; `false` if older ones were dropped or never recorded.
   * `undefined` before the first commit was read.
   */
  get complete(): boolean | undefined {
    return this.#complete
  }

  next(): Promise<IteratorResult<C, undefined>> {
    return this.#commits.next() as Promise<IteratorResult<C, undefined>>
  }

  return(): Promise<IteratorResult<C, undefined>> {
    return this.#commits.return(undefined) as Promise<IteratorResult<C, undefined>>
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  /** Reads all commits that are left. */
  async toArray(): Promise<C[]> {
    const commits: C[] = []
    for await (const commit of this) commits.push(commit)
    return commits
  }

  async *#read(source: CommitSource, options: HistoryOptions): AsyncGenerator<Commit, undefined> {
    const { key, signal, limit = Number.POSITIVE_INFINITY } = options
    let { before } = options
    for (let left = limit; left > 0; ) {
      signal?.throwIfAborted()
      const size = Math.min(PAGE, left)
      const page = source.page({ key, before, limit: size })
      const { commits, floor, dropped } = await (signal ? orAborted(page, signal) : page)
      this.#complete = floor === 0 && isNothingDropped(dropped, key)
      for (const commit of commits) {
        yield source.toCommit(commit)
        signal?.throwIfAborted()
      }
      if (commits.length < size) return undefined
      left -= commits.length
      before = commits.at(-1)?.id
    }
    return undefined
  }
}

function isNothingDropped(dropped: HistoryPage<unknown>['dropped'], key: string | undefined): boolean {
  for (const [one] of dropped) if (key === undefined || one === key) return false
  return true
}
