import type { Entry } from './types'

/** A changed text, and the value that was shown when the change began. */
export interface Draft {
  readonly entry: Entry
  readonly text: string
}

const drafts = new Map<string, Draft>()

/** Returns what was typed for this key, and not saved. */
export function draftOf(key: string): Draft | undefined {
  return drafts.get(key)
}

/** Keeps what was typed while the user looks at another key; `undefined` forgets it. */
export function keepDraft(key: string, draft: Draft | undefined): void {
  if (draft) drafts.set(key, draft)
  else drafts.delete(key)
}
