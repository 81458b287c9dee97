import { DEFAULT_POLICY, type HistoryPolicy } from '../../contract/history.js'
import type { Row } from './connection.js'

/** What the head records of the history. */
export interface HistoryState {
  /** Of the newest commit. */
  readonly position: number
  /** Commits up to this position are gone, or were never recorded. */
  readonly floor: number
  /** The number of stored commits. */
  readonly commits: number
  /** Of the state after the newest commit. If the head has another one, commits are missing after it. */
  readonly nonce: string | undefined
  readonly policy: HistoryPolicy
}

/** The history in a file that no release with a history has written to. */
export const NO_HISTORY: HistoryState = {
  position: 1,
  floor: 1,
  commits: 0,
  nonce: undefined,
  policy: DEFAULT_POLICY,
}

/** What cannot be parsed counts as missing: the history then begins with the next commit. */
export function parseHistory(row: Row): HistoryState {
  const { history_position: position, history_floor: floor, history_commits: commits, history_nonce: nonce } = row
  const policy = parsePolicy(row)
  const isWhole =
    typeof position === 'number' && typeof floor === 'number' && floor <= position && typeof nonce === 'string'
  if (!isWhole) return { ...NO_HISTORY, position: Math.max(1, Number(position ?? 1)), policy }
  return { position, floor, commits: typeof commits === 'number' ? commits : 0, nonce, policy }
}

/** The columns history_keep and history_days. */
export function policyColumns(policy: HistoryPolicy | undefined): [keep: number | null, days: number | null] {
  if (policy === undefined) return [null, null]
  return policy ? [policy.keep, policy.days] : [0, null]
}

function parsePolicy({ history_keep: keep, history_days: days }: Row): HistoryPolicy {
  if (keep === 0) return false
  if (typeof keep !== 'number' || typeof days !== 'number' || !(days > 0)) return DEFAULT_POLICY
  return { keep, days }
}
