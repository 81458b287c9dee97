import {
  type HistoryPage,
  type HistoryPolicy,
  type HistoryQuery,
  isMoment,
  type StoredCommit,
  type Via,
} from '../../contract/history.js'
import { foreignCommit } from '../../errors/history-faults.js'
import { warn } from '../../warnings/warnings.js'
import { commitId, positionOf } from '../sql/commit-id.js'
import { escapeText, unescapeKey, unescapeText } from '../sql/escape.js'
import { notesWithoutAuthor } from '../sql/log/notes.js'
import { isToken, toCount } from '../sql/stored-tokens.js'
import { toVersion } from '../sql/version.js'
import type { Cells } from './clients/client.js'
import type { Execution, Target } from './execution.js'
import { readChanges } from './sides.js'
import type { Stored } from './stored-form.js'

/** The layout of a commit that this release writes. */
const FORMAT = 1

/** Where the columns of the commit begin. */
const COMMIT = 5

const EMPTY: HistoryPage<never> = { commits: [], floor: 0, dropped: [] }

/** The commits of one dictionary. */
export class PostgresHistory {
  readonly #execution: Execution

  constructor(execution: Execution) {
    this.#execution = execution
  }

  /** One request. */
  async page(query: HistoryQuery): Promise<HistoryPage<Stored>> {
    const { dictionary } = this.#execution.options
    const target = await this.#execution.target()
    const { condition, values } = conditionOf(query, target)
    const limit = query.before === undefined ? query.limit : query.limit + 1
    const rows = await this.#execution.query({ text: this.#execution.statements.page(condition, limit), values })
    const [head] = rows
    if (!head) return EMPTY
    const floor = toCount(head[3]) ?? 0
    const found = readCommits(withoutBefore(rows, query.before, dictionary), floor, target, dictionary)
    const commits = query.id === undefined ? found.commits : found.commits.filter(({ id }) => id === query.id)
    return {
      commits: commits.slice(0, query.limit),
      floor: found.floor,
      dropped: readDropped(head[4], found.floor, target),
    }
  }

  async setPolicy(policy: HistoryPolicy): Promise<void> {
    const { timeout } = this.#execution.options
    const { stored } = await this.#execution.target()
    const { keep, days } = policy || { keep: 0, days: 0 }
    const most = Math.min(keep, 2 ** 31 - 1)
    await this.#execution.query({
      text: this.#execution.statements.policy,
      values: [stored, `${most}`, `${days}`, `${Math.round(timeout)}`],
    })
  }

  async forgetAuthor(by: string): Promise<number> {
    const { stored, form } = await this.#execution.target()
    const author = escapeText(by, form.unsafe)
    const values = [stored, author]
    await this.#forgetInLog(stored, author)
    const [row] = await this.#execution.query({ text: this.#execution.statements.forgetAuthor, values })
    return toCount(row?.[0]) ?? 0
  }

  async #forgetInLog(stored: string, author: string): Promise<void> {
    const { notes, setNotes } = this.#execution.statements
    const rows = await this.#execution.query({ text: notes, values: [stored] })
    const changed = rows.flatMap(([number, before]) => {
      const after = notesWithoutAuthor(before, author)
      return after === undefined ? [] : [[number, before, after]]
    })
    if (changed.length === 0) return
    await this.#execution.query({ text: setNotes, values: [stored, JSON.stringify(changed)] })
  }
}

/** Which commits a page has. The one that it begins behind comes along, to be recognized. */
function conditionOf({ key, before, id }: HistoryQuery, { stored, form }: Target) {
  if (id !== undefined) return { condition: ' AND l.position = $2::bigint', values: [stored, leading(id)] }
  const start = before === undefined ? '' : ' AND l.position <= $2::bigint'
  const values = before === undefined ? [stored] : [stored, leading(before)]
  if (key === undefined) return { condition: start, values }
  const touches = `$${values.length + 1} = ANY(l.keys)`
  const chosen = before === undefined ? touches : `(l.position = $2::bigint OR ${touches})`
  return { condition: `${start} AND ${chosen}`, values: [...values, escapeText(key, form.unsafe)] }
}

/** The position in any id; one that is foreign is found out later. */
function leading(id: string): string {
  return /^\d{1,15}(?=-)/.exec(id)?.[0] ?? '0'
}

/** @throws HistoryError if the id is not of this history. */
function withoutBefore(rows: readonly Cells[], before: string | undefined, dictionary: string): readonly Cells[] {
  if (before === undefined) return rows
  const [first] = rows
  const epoch = first?.[1] ?? ''
  const position = positionOf(before, epoch)
  if (position === undefined || position > (toCount(first?.[2]) ?? 0)) throw foreignCommit(before, dictionary)
  if (toCount(first?.[COMMIT]) !== position) return rows
  if (commitId(position, epoch, String(first?.[COMMIT + 3])) !== before) throw foreignCommit(before, dictionary)
  return rows.slice(1)
}

/** Commits down to one that cannot be read: nothing older is known for sure. */
function readCommits(rows: readonly Cells[], floor: number, target: Target, dictionary: string) {
  const commits: StoredCommit<Stored>[] = []
  for (const row of rows) {
    const position = toCount(row[COMMIT])
    if (position === undefined) break
    const commit = readCommit(row, position, target)
    if (!commit) {
      reportDamage(position, dictionary)
      return { commits, floor: position }
    }
    commits.push(commit)
  }
  return { commits, floor }
}

function readCommit(row: Cells, position: number, { form }: Target): StoredCommit<Stored> | undefined {
  const [epoch, historyEpoch] = row
  const [, format, number, nonce, at, author, reason, via, changes] = row.slice(COMMIT)
  const read = readChanges(changes ?? null, form.unsafe)
  const [layout, count, time] = [toCount(format), toCount(number), Number(at)]
  if (!read || layout === undefined || layout > FORMAT || count === undefined || !isToken(nonce)) return undefined
  if (!isMoment(time) || !epoch || !historyEpoch) return undefined
  return {
    id: commitId(position, historyEpoch, nonce),
    position,
    version: toVersion(count, epoch, nonce),
    at: time,
    by: textOf(author),
    reason: textOf(reason),
    via: WAYS.includes(String(via)) ? (via as Via) : 'library',
    changes: read,
  }
}

const WAYS: readonly string[] = ['library', 'cli', 'console', 'sql', 'outside'] satisfies readonly Via[]

function textOf(text: string | null | undefined): string | undefined {
  return typeof text === 'string' ? unescapeText(text) : undefined
}

function readDropped(text: string | null | undefined, floor: number, { form }: Target): [string, number][] {
  const dropped: [string, number][] = []
  for (const [escaped, position] of Object.entries(JSON.parse(text ?? '{}') ?? {})) {
    const key = unescapeKey(escaped, form.unsafe)
    if (key !== undefined && typeof position === 'number' && position > floor) dropped.push([key, position])
  }
  return dropped
}

function reportDamage(position: number, dictionary: string): void {
  warn(
    'DURABLEDICT_DAMAGED_HISTORY',
    `Commit ${position} of the history of dictionary "${dictionary}", in the table durabledict_commits, cannot be read: older commits are ` +
      'left out. Something other than this library has written it, or a later release.',
    { source: dictionary },
  )
}
