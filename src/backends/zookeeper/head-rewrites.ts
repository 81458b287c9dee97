import type { Awaitable } from '../../contract/backend.js'
import type { HistoryPolicy } from '../../contract/history.js'
import { formatPart, type Head, parsePart, versionOf } from './head.js'
import type { History } from './history.js'
import { isSamePolicy } from './history-state.js'
import type { Names } from './names.js'
import { isNoted, withoutAuthor } from './notes.js'
import type { Outside } from './outside.js'
import type { Session } from './session.js'
import type { Step } from './transport.js'

/** A head to write although nothing changed, and the steps that belong to it. */
interface Rewriting {
  readonly head: Head
  readonly steps: readonly Step[]
}

/** Returns what to write instead of a head; `undefined` for nothing. */
export type Rewrite = (head: Head) => Awaitable<Rewriting | undefined>

/**
 * Writes nothing if the policy is recorded already: each process that opens the dictionary records its own, and on a busy store such a
 * write begins again and again.
 */
export function recordPolicy(history: History, policy: HistoryPolicy): Rewrite {
  return async head => {
    if (head.history && isSamePolicy(head.history.policy, policy)) return undefined
    const { mark, steps, touched } = await history.withPolicy(head, policy)
    return { head: { ...head, history: mark, interruption: undefined, cversion: head.cversion + touched }, steps }
  }
}

/** Continues the history after a cut without a difference. */
export function continueHistory({ version, mark }: Outside): Rewrite {
  return head =>
    versionOf(head) === version && !head.history
      ? { head: { ...head, history: mark, interruption: undefined }, steps: [] }
      : undefined
}

/** Removes an author from the log and its parts. */
export function forgetInLog(session: Session, names: Names, author: string): Rewrite {
  return async head => {
    const read = await Promise.all(names.parts.map(path => session.getData(path)))
    const steps = names.parts.flatMap((path, index): Step[] => {
      const part = read[index]?.value && parsePart(read[index].value.data)
      if (!part || !isNoted(part.notes, author)) return []
      return [{ type: 'set', path, data: formatPart({ ...part, ...withoutAuthor(part.notes, author) }), version: -1 }]
    })
    if (steps.length === 0 && !isNoted(head.notes, author)) return undefined
    return { head: { ...head, ...withoutAuthor(head.notes, author) }, steps }
  }
}
