import type { CommitStream, HistoryOptions } from './commit-stream.js'
import type { Commit } from './commits.js'

/** `dict.history`: a function, with one more as its member. */
export interface HistoryOf<T extends object> {
  /**
   * Iterates over the commits of the past, newest first.
   *
   * @param options - which ones. Default: all.
   * @example
   * for await (const { at, by, changes } of settings.history({ key: 'payments', limit: 20 })) console.log(at, by, changes)
   */
  (options?: HistoryOptions<keyof T & string>): CommitStream<Commit<T>>
  /**
   * Removes this author from all commits; the commits stay. Resolves with how many there were.
   *
   * @example
   * await settings.history.forget({ by: 'ada@example.com' })
   */
  forget(author: { readonly by: string }): Promise<number>
}
