import type { Attribution, HistoryPage, HistoryQuery, StoredCommit, Via } from '../../../contract/history.js'
import { foreignCommit } from '../../../errors/history-faults.js'
import { warn } from '../../../warnings/warnings.js'
import { commitId, positionOf } from '../../sql/commit-id.js'
import { type Dialect, run, type Statement } from '../../sql/dialect.js'
import { escapeText, unescapeText } from '../../sql/escape.js'
import type { SqlRow, SqlSession } from '../../sql/sql-session.js'
import { isToken, toCount } from '../../sql/stored-tokens.js'
import { toVersion } from '../../sql/version.js'
import { laterHistory } from '../faults.js'
import { fromTables } from '../versions/tables.js'
import { fromParts, type Recorded } from './commit-rows.js'
import { readDropped } from './history-writing.js'
import { type HistoryRecord, readRecord } from './record.js'
import { HISTORY_FORMAT, HISTORY_SQL } from './tables.js'

/** Where commits are read. */
export interface HistoryReadingOptions {
  readonly session: SqlSession
  readonly dialect: Dialect
  /** The dictionary's name, for errors. */
  readonly dictionary: string
  /** Identifies the dictionary in the tables. */
  readonly key: string
}

/** The rows of one commit, in the order of their parts. */
type CommitRows = readonly SqlRow[]

/** What one request returned. */
interface Answer {
  readonly record: HistoryRecord
  /** Of the head. */
  readonly epoch: string
  readonly groups: readonly CommitRows[]
}

const EMPTY: HistoryPage<never> = { commits: [], floor: 0, dropped: [] }

/** Reads a page: one request, one more for commits with much text, and one if commits of single keys were dropped. */
export async function readHistory(options: HistoryReadingOptions, query: HistoryQuery): Promise<HistoryPage<Recorded>> {
  const commits: StoredCommit<Recorded>[] = []
  let { before } = query
  for (;;) {
    const limit = query.limit - commits.length
    const answer = await ask(options, { ...query, before, limit })
    if (!answer) return EMPTY
    const { record, groups } = withoutBefore(answer, before, options.dictionary)
    const { found, floor } = readCommits({ ...answer, groups }, options.dictionary)
    commits.push(...found.filter(commit => isWanted(commit, query)))
    before = found.at(-1)?.id
    if (commits.length >= query.limit || groups.length < limit || found.length < groups.length || query.id) {
      const dropped = record.gone > record.floor ? await readAllDropped(options) : []
      return { commits, floor, dropped: dropped.filter(([, position]) => position > floor) }
    }
  }
}

async function ask(options: HistoryReadingOptions, query: HistoryQuery): Promise<Answer | undefined> {
  const { session, dialect, dictionary, key } = options
  const { sql, parameters } = conditionOf(query, dialect, key)
  // The commit that the page begins behind comes along, to be recognized.
  const limit = query.before === undefined ? query.limit : query.limit + 1
  const read = async (page: string) =>
    fromTables(dialect, await run(session, dialect, { sql: page, parameters: [key, ...parameters, key] }))
  const first = await read(HISTORY_SQL.page(dialect, sql, limit))
  const isWhole = first.every(({ c_more }) => !toCount(c_more))
  const rows = isWhole ? first : await read(HISTORY_SQL.wholePage(dialect, sql, limit))
  const [row] = rows
  if (!row) return undefined
  const found = readRecord(row.history, { number: toCount(row.number) ?? 0, nonce: String(row.nonce) })
  if (found === 'later') throw laterHistory(dictionary)
  return { record: found.record, epoch: String(row.epoch), groups: found.isNew ? [] : grouped(rows) }
}

/** Which commits a page has, newest first. */
function conditionOf({ key, before, id }: HistoryQuery, dialect: Dialect, dict: string): Statement {
  if (id !== undefined) return { sql: ' AND position = ?', parameters: [leading(id)] }
  const parameters: (string | number)[] = []
  const end = before === undefined ? '' : ' AND position <= ?'
  if (before !== undefined) parameters.push(leading(before))
  if (key === undefined) return { sql: end, parameters }
  const touching = HISTORY_SQL.touching(dialect)
  const beginning = before === undefined ? touching : `(position = ? OR ${touching})`
  if (before !== undefined) parameters.push(leading(before))
  parameters.push(escapeText(key, dialect.unsafeInKeys), dict, JSON.stringify(key))
  return { sql: `${end} AND ${beginning}`, parameters }
}

/** The position in any id; one that is foreign is found out once the record is known. */
function leading(id: string): number {
  return toCount(/^\d{1,15}(?=-)/.exec(id)?.[0]) ?? 0
}

function grouped(rows: readonly SqlRow[]): CommitRows[] {
  const groups = new Map<number, SqlRow[]>()
  for (const row of rows) {
    const position = toCount(row.c_position)
    if (position === undefined) continue
    const group = groups.get(position)
    // What a restored database has left there belongs to another commit.
    if (!group) groups.set(position, [row])
    else if (row.c_nonce === group[0]?.c_nonce) group.push(row)
  }
  return [...groups.values()]
}

/** @throws HistoryError if the id is not of this history. */
function withoutBefore(answer: Answer, before: string | undefined, dictionary: string): Answer {
  if (before === undefined) return answer
  const { record, groups } = answer
  const position = positionOf(before, record.epoch)
  if (position === undefined || position > record.position) throw foreignCommit(before, dictionary)
  const [first] = groups
  if (!first || toCount(first[0]?.c_position) !== position) return answer
  if (commitId(position, record.epoch, String(first[0]?.c_nonce)) !== before) throw foreignCommit(before, dictionary)
  return { ...answer, groups: groups.slice(1) }
}

/** Commits down to the floor, or to one that cannot be read: nothing older is known for sure. */
function readCommits(
  { record, epoch, groups }: Answer,
  dictionary: string,
): { readonly found: readonly StoredCommit<Recorded>[]; readonly floor: number } {
  const found: StoredCommit<Recorded>[] = []
  for (const rows of groups) {
    const position = toCount(rows[0]?.c_position) as number
    if (position <= record.floor) break
    const commit = position <= record.position ? readCommit(rows, position, record, epoch) : undefined
    if (!commit) {
      reportDamage(position, dictionary)
      return { found, floor: position }
    }
    found.push(commit)
  }
  return { found, floor: record.floor }
}

function readCommit(
  rows: CommitRows,
  position: number,
  record: HistoryRecord,
  epoch: string,
): StoredCommit<Recorded> | undefined {
  const row = rows[0] as SqlRow
  const [number, at] = [toCount(row.c_number), toCount(row.c_at)]
  const nonce = row.c_nonce
  const changes = fromParts(rows.map(({ c_changes }) => c_changes))
  const isWhole = rows.every(({ c_part, c_format }, index) => toCount(c_part) === index && isKnown(c_format))
  if (!changes || !isWhole || number === undefined || at === undefined || !isToken(nonce)) return undefined
  return {
    id: commitId(position, record.epoch, nonce),
    position,
    version: toVersion(number, epoch, nonce),
    at,
    ...attributionOf(row),
    changes,
  }
}

function isKnown(format: unknown): boolean {
  const known = toCount(format)
  return known !== undefined && known >= 1 && known <= HISTORY_FORMAT
}

const WAYS: readonly string[] = ['library', 'cli', 'console', 'sql', 'outside'] satisfies readonly Via[]

function attributionOf({ c_author, c_reason, c_via }: SqlRow): Attribution {
  const [by, reason] = [c_author, c_reason].map(text => (typeof text === 'string' ? unescapeText(text) : undefined))
  return { by, reason, via: WAYS.includes(String(c_via)) ? (c_via as Via) : 'library' }
}

function isWanted({ id, changes }: StoredCommit<Recorded>, query: HistoryQuery): boolean {
  if (query.id !== undefined && query.id !== id) return false
  return query.key === undefined || changes.some(({ key }) => key === query.key)
}

async function readAllDropped({ session, dialect, key }: HistoryReadingOptions): Promise<[string, number][]> {
  const statement = { sql: HISTORY_SQL.dropped(dialect), parameters: [key] }
  const [row] = fromTables(dialect, await run(session, dialect, statement))
  return readDropped(row?.dropped)
}

function reportDamage(position: number, dictionary: string): void {
  warn(
    'DURABLEDICT_DAMAGED_HISTORY',
    `Commit ${position} of the history of dictionary "${dictionary}", in the table durabledict_model_commits, cannot be read: older ` +
      'commits are left out. Something other than this library has written it, or a later release.',
    { source: dictionary },
  )
}
