import type { Batch, Change, Committed, Group, Version } from '../../../contract/backend.js'
import { DEFAULT_POLICY, keyChange, noteOf, notesWorthKeeping } from '../../../contract/history.js'
import { isTrimDue } from '../../../contract/retention.js'
import { orAborted } from '../../../time/or-aborted.js'
import type { Dialect, Statement, Table } from '../../sql/dialect.js'
import { isFailedStatement } from '../../sql/error-kinds.js'
import { notesText } from '../../sql/log/notes.js'
import { channelOf } from '../../sql/notifications/channel.js'
import type { SqlParameter } from '../../sql/sql-session.js'
import { newNonce, toVersion } from '../../sql/version.js'
import { insertNow, rowsOfCommit } from '../history/commit-inserts.js'
import { recordText } from '../history/record.js'
import type { CompiledWrites } from '../managers/manager.js'
import type { Rows } from '../table/rows.js'
import type { Stored } from '../table/stored.js'
import { serialize } from '../versions/serialize.js'
import { SQL, TRIM_EVERY } from '../versions/tables.js'
import type { KnownHead } from '../versions/versions.js'
import type { Executed } from './commit.js'
import { oneStatement } from './one-statement-sql.js'
import { CommitFailed } from './transactions.js'

/** How many commits are transactions again after a statement has failed, because others write as well. */
const PAUSE = 8

/** Which part of the time limit a statement may wait for a lock. The transaction that then follows has the rest. */
const PATIENCE = 1 / 4

/** What commits of one statement work on. */
export interface OneStatementOptions {
  readonly writes: CompiledWrites
  readonly dialect: Dialect
  readonly rows: Rows
  readonly table: Table
  readonly keyColumn: string
  readonly valueColumn: string
  /** Identifies the dictionary in the tables. */
  readonly key: string
  /** The most that a call may take, in ms. */
  readonly timeout: number
}

/** One write of one key. */
interface SingleWrite {
  readonly key: string
  readonly before: string | undefined
  readonly after: string
  readonly group: Group<Stored>
}

/** What a statement does if it succeeds. */
interface Plan extends Executed {
  readonly statement: { readonly sql: string; readonly parameters: readonly SqlParameter[] }
  readonly next: KnownHead
}

/**
 * Commits that set one key in one statement instead of a transaction of seven. They are optimistic: this process made the latest
 * commit, as far as it knows, and memory holds what is stored under the key. The statement verifies both, under the lock that
 * every commit takes. Whatever it does not expect is left to a transaction.
 */
export class OneStatementCommits {
  readonly #options: OneStatementOptions
  readonly #channel: string
  /** What the latest commit of this process has left. */
  #known: KnownHead | undefined
  #pause = 0

  constructor(options: OneStatementOptions) {
    this.#options = options
    this.#channel = channelOf(options.key)
  }

  /** Takes note of what a transaction has left. */
  note(next: KnownHead | undefined): void {
    if (!next) return
    this.#known = next
    if (this.#pause > 0) this.#pause -= 1
  }

  /**
   * Returns `undefined` if nothing was written, and a transaction is to be run.
   *
   * @throws CommitFailed if it is unknown whether it took effect.
   */
  async commit(batch: Batch<Stored>, since: Version, signal?: AbortSignal): Promise<Committed<Stored> | undefined> {
    const plan = this.#pause > 0 ? undefined : this.#plan(batch, since)
    if (!plan) return undefined
    const [row] = (await this.#send(plan, signal)) ?? []
    if (!row) return undefined
    this.#known = plan.next
    return { ...plan.committed, bound: Number(row.bound) }
  }

  /** Returns no rows if the statement failed, or was not sent. */
  async #send(
    plan: Plan,
    signal: AbortSignal | undefined,
  ): Promise<readonly Readonly<Record<string, unknown>>[] | undefined> {
    const { writes } = this.#options
    const { sql, parameters } = plan.statement
    let isSent = false
    const sending = writes.connect(session => {
      signal?.throwIfAborted()
      isSent = true
      return session.query(sql, parameters)
    })
    try {
      return await (signal ? orAborted(sending, signal) : sending)
    } catch (error) {
      this.#known = undefined
      this.#pause = PAUSE
      if (isSent && !isFailedStatement(error)) throw new CommitFailed<Executed>(error, plan)
      return undefined
    }
  }

  #plan(batch: Batch<Stored>, since: Version): Plan | undefined {
    const known = this.#known
    const write = singleWrite(batch, since)
    if (!write || !known || known.head.version !== since) return undefined
    const next = this.#next(known)
    return next && this.#planned(batch, write, known, next)
  }

  /** The head after one more commit; `undefined` if that is also the time to trim. */
  #next({ head, record, text = null }: KnownHead): KnownHead | undefined {
    const { epoch } = head
    const [number, nonce] = [head.number + 1, newNonce()]
    if (!record || number % TRIM_EVERY === 0) return undefined
    const after = { ...head, number, nonce, version: toVersion(number, epoch, nonce) }
    if (record.policy === false) return { head: after, record, text }
    const position = record.position + 1
    if (isTrimDue(record.policy ?? DEFAULT_POLICY, position - record.gone, position)) return undefined
    const more = { ...record, position, nonce }
    return { head: after, record: more, text: recordText(more) }
  }

  #planned(batch: Batch<Stored>, write: SingleWrite, known: KnownHead, unlogged: KnownHead): Plan | undefined {
    const { rows, dialect, table, keyColumn, valueColumn, timeout, key: dict } = this.#options
    const row = rows.compiled(write.key, write.after, write.before)
    const effects = [{ type: 'set', key: write.key, stored: write.after } as const]
    const text = serialize(effects, Number.POSITIVE_INFINITY)
    const recorded = this.#recorded(write, unlogged)
    if (!row || !recorded) return undefined
    const { number, nonce } = unlogged.head
    const bytes = known.head.bytes + (text?.length ?? 0)
    const next = { ...unlogged, head: { ...unlogged.head, bytes } }
    const notes = notesWorthKeeping([noteOf(write.group.attribution, 1)])
    const change = [dict, number, nonce, known.head.nonce, batch.id, text, bytes, notesText(notes)]
    const statement = oneStatement(dialect, {
      ...{
        table,
        keyColumn,
        valueColumn,
        known,
        dictionary: dict,
        channel: this.#channel,
        patience: Math.ceil(timeout * PATIENCE),
      },
      ...row,
      move: {
        sql: SQL.moveHead(['history'], ' FROM limits'),
        parameters: [number, nonce, bytes, next.text ?? null, dict],
      },
      inserts: [{ sql: SQL.insertNewChange, parameters: change }, ...recorded],
    })
    return { statement, next, committed: committedBy(batch, known, next, { effects, ...(notes && { notes }) }) }
  }

  /** The insert into the history; none if it is off, and `undefined` if it is too large for one row. */
  #recorded({ key, before, after, group }: SingleWrite, { head, record }: KnownHead): Statement[] | undefined {
    const { dialect, key: dict } = this.#options
    if (!record || record.policy === false) return []
    const commit = { attribution: group.attribution, changes: [keyChange(key, before, after)] }
    const place = { key: dict, position: record.position, number: head.number, nonce: head.nonce }
    const [row, ...more] = rowsOfCommit(commit, place, dialect, null, Number.POSITIVE_INFINITY)
    return row && more.length === 0 ? [insertNow(row, dialect)] : undefined
  }
}

/** What the batch writes, if it is nothing but one key with a value, on the state that the caller knows. */
function singleWrite({ groups, held, acknowledge }: Batch<Stored>, since: Version): SingleWrite | undefined {
  const [group] = groups
  const [operation] = group?.operations ?? []
  if (!held || acknowledge || groups.length > 1) return undefined
  if (!group || group.operations.length > 1 || operation?.type !== 'set') return undefined
  const isMet = group.conditions.every(one => (one.type === 'version' ? one.version : one.since) === since)
  const { key, stored: after } = operation
  const before = held(key)
  const isText = typeof after === 'string' && (before === undefined || typeof before === 'string')
  return isMet && isText ? { key, before, after, group } : undefined
}

function committedBy(
  { id }: Batch<Stored>,
  { head }: KnownHead,
  next: KnownHead,
  done: Pick<Change<Stored>, 'effects' | 'notes'>,
): Committed<Stored> {
  const { version } = next.head
  const change = { previous: head.version, version, id, ...done }
  return {
    outcomes: [{ status: 'done', results: [undefined] }],
    catchUp: { type: 'changes', version, changes: [change] },
  }
}
