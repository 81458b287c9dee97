import type { CommitStream, HistoryOptions } from './commit-stream.js'
import type { Commit } from './commits.js'

/** `dict.history`: a function, with one more as its member. */
export interface HistoryOf<T extends object> {
  (options?: HistoryOptions<keyof T & string>): CommitStream<Commit<T>>
  /** Removes this author from all commits; the commits stay. Resolves with how many there were. */
  forget(author: { readonly by: string }): Promise<number>
}
