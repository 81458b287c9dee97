import type { HistoryPage, HistoryQuery, StoredCommit } from '../../contract/history.js'
import { HistoryError } from '../../errors/errors.js'
import { quoted } from '../../errors/quoted.js'

const PAGE = 100

type Page = (query: HistoryQuery) => Promise<HistoryPage<unknown>>

/** The commits from the newest back to one of them, and what is no longer known. */
export interface Walked {
  /** Newest first. */
  readonly newer: readonly StoredCommit<unknown>[]
  /** `undefined` if the history ended before it. */
  readonly target: StoredCommit<unknown> | undefined
  readonly floor: number
  readonly dropped: ReadonlyMap<string, number>
}

/** Reads the history from the newest commit back to the first one that `isTarget` accepts. */
export async function walkBack(page: Page, isTarget: (commit: StoredCommit<unknown>) => boolean): Promise<Walked> {
  const newer: StoredCommit<unknown>[] = []
  for (let before: string | undefined; ; before = newer.at(-1)?.id) {
    const { commits, floor, dropped } = await page({ before, limit: PAGE })
    const at = commits.findIndex(isTarget)
    newer.push(...(at < 0 ? commits : commits.slice(0, at)))
    if (at >= 0 || commits.length < PAGE) {
      return { newer, target: commits[at], floor, dropped: new Map(dropped) }
    }
  }
}

/** No stored commit has the id. `hint` is a sentence more. */
export function unknownCommit(id: string, dictionary: string, hint = ''): HistoryError {
  return new HistoryError(
    `The history of dictionary "${dictionary}" has no commit ${quoted(id)}: it was dropped, or belongs to another history. ` +
      `history() lists those that there are.${hint}`,
    { dictionary },
  )
}
