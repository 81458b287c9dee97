import { HistoryError } from './errors.js'
import { quoted } from './quoted.js'

/** The id belongs to no commit that this history ever had. */
export function foreignCommit(id: string, dictionary: string): HistoryError {
  return new HistoryError(
    `The history of dictionary "${dictionary}" has never had a commit ${quoted(id)}: the id is of another dictionary, or the store was ` +
      'restored or flushed since. List the history again.',
    { dictionary },
  )
}
