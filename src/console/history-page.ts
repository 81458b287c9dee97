import type { HistoryQuery, KeyChange, StoredCommit } from '../contract/history.js'
import type { Access } from './access.js'
import type { Operator } from './operator.js'
import type { Change, Commit, HistoryAnswer, Side } from './protocol.js'
import { Refusal } from './refusal.js'
import { previewOf } from './texts.js'

/** The longest value that a page of the history contains, in characters. Longer ones are folded: see {@link wholeChange}. */
const MAX_TEXT = 4_000

/** How many changes of one commit a page contains. */
const MAX_CHANGES = 50

interface Reader {
  readonly operator: Operator
  readonly access: Access
  readonly isMasked: (key: string) => boolean
}

/** Reads until something is visible, or the history ends: commits with no key that the user may see are left out. */
export async function historyPage(reader: Reader, query: HistoryQuery): Promise<HistoryAnswer> {
  let { before } = query
  for (;;) {
    const page = await reader.operator.history({ ...query, before })
    const answers = await Promise.all(page.commits.map(commit => toAnswer(reader, commit, query.key)))
    const commits = answers.filter(one => one !== undefined)
    const complete = page.floor === 0
    before = page.commits.at(-1)?.id
    if (before === undefined || page.commits.length < query.limit) return { commits, complete }
    if (commits.length > 0) return { commits, next: before, complete }
  }
}

async function toAnswer(
  { operator, access, isMasked }: Reader,
  { id, at, by, reason, via = 'library', changes }: StoredCommit<unknown>,
  only: string | undefined,
): Promise<Commit | undefined> {
  const readable = new Set(await access.readable(changes.map(({ key }) => key)))
  const visible = changes.filter(({ key }) => readable.has(key))
  if (visible.length === 0) return undefined
  const shown = visible.filter(({ key }) => only === undefined || key === only).slice(0, MAX_CHANGES)
  const more = only === undefined ? visible.length - shown.length : 0
  return {
    id,
    at,
    by,
    reason,
    via,
    changes: shown.map(change => toChange(operator, change, isMasked(change.key), MAX_TEXT)),
    ...(more > 0 && { more }),
    revertible: await mayRevert(access, changes),
  }
}

async function mayRevert(access: Access, changes: readonly KeyChange<unknown>[]): Promise<boolean> {
  for (const { key } of changes) if (!(await access.can('write', key))) return false
  return true
}

function toChange(operator: Operator, change: KeyChange<unknown>, masked: boolean, max: number): Change {
  const { key, before, after } = change
  if (masked) return { key, masked }
  return {
    key,
    ...(before !== undefined && { before: toSide(operator, key, before, max) }),
    ...(after !== undefined && { after: toSide(operator, key, after, max) }),
  }
}

function toSide(operator: Operator, key: string, stored: unknown, max: number): Side {
  try {
    const value = operator.decode(key, stored)
    const text = operator.texts.of(value)
    return text !== undefined && text.length <= max ? { text } : { preview: previewOf(value) }
  } catch {
    return { fault: 'This value cannot be decoded.' }
  }
}

/** Returns what a commit did to a key, with whole values. @throws Refusal */
export async function wholeChange(operator: Operator, id: string, key: string): Promise<Change> {
  const change = (await operator.commit(id))?.changes.find(one => one.key === key)
  if (!change) throw new Refusal(404, 'NO_COMMIT', 'There is no such change in the history: it may have been dropped.')
  return toChange(operator, change, false, Number.POSITIVE_INFINITY)
}
