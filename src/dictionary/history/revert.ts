import type { Condition, Group, Operation, Outcome } from '../../contract/backend.js'
import type { HistoryPage, HistoryQuery, KeyChange, StoredCommit } from '../../contract/history.js'
import { ConflictError, HistoryError } from '../../errors/errors.js'
import { quoted } from '../../errors/quoted.js'
import type { FrozenState } from '../../replica/frozen-state.js'
import type { WriteOptions } from '../options.js'
import { unknownCommit, walkBack } from './walk.js'

/** How often it is tried again when other keys, or the same state, are written meanwhile. */
const ATTEMPTS = 32

/** Up to this many keys are guarded one by one; for more, the whole state must be unchanged. */
const GUARDED_KEYS = 1_000

/** How many keys a message names. */
const NAMED_KEYS = 10

/** Options of `revert`. */
export interface RevertOptions<K extends string = string> extends WriteOptions {
  /**
   * Only put these keys back; each must be among those of the commit. Default: all of them.
   *
   * @example
   * await settings.revert(commit.id, { keys: ['payments'] })
   */
  keys?: readonly K[] | undefined
  /**
   * Put them back even if they were changed since. Default `false`.
   *
   * @example
   * await settings.revert(commit.id, { force: true })
   */
  force?: boolean | undefined
}

export interface RevertContext {
  readonly dictionary: string
  state(): Promise<FrozenState>
  page(query: HistoryQuery): Promise<HistoryPage<unknown>>
  submit(group: Group<unknown>, options: WriteOptions | undefined): Promise<Outcome>
}

/** Writes a new commit that puts back what the keys held before the commit with this id, atomically. */
export async function revert(context: RevertContext, id: string, options: RevertOptions = {}): Promise<void> {
  const { keys, force = false, ...write } = options
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    const state = await context.state()
    const plan = await planned(context, id, keys, force)
    const group = { conditions: force ? [] : guards(state, plan), operations: plan.map(toOperation) }
    const outcome = await context.submit(group, write)
    if (outcome.status === 'done') return
  }
  throw new ConflictError(
    `Commit ${quoted(id)} of dictionary "${context.dictionary}" was not reverted: its keys were written at each of ${ATTEMPTS} attempts.`,
    { dictionary: context.dictionary },
  )
}

/** The changes to undo. @throws ConflictError if a key was changed since, HistoryError if the commit is not known. */
async function planned(
  { dictionary, page }: RevertContext,
  id: string,
  keys: readonly string[] | undefined,
  force: boolean,
): Promise<readonly KeyChange<unknown>[]> {
  if (force) {
    const { commits } = await page({ id, limit: 1 })
    return chosen(commits[0], id, keys, dictionary)
  }
  const { newer, target, dropped } = await walkBack(page, commit => commit.id === id)
  const changes = chosen(target, id, keys, dictionary)
  const touched = new Set(newer.flatMap(commit => commit.changes.map(({ key }) => key)))
  const position = (target as StoredCommit<unknown>).position
  const isChanged = ({ key }: KeyChange<unknown>) => touched.has(key) || (dropped.get(key) ?? 0) > position
  const changed = changes.filter(isChanged).map(({ key }) => key)
  if (changed.length > 0) throw changedSince(id, changed, dictionary)
  return changes
}

function chosen(
  commit: StoredCommit<unknown> | undefined,
  id: string,
  keys: readonly string[] | undefined,
  dictionary: string,
): readonly KeyChange<unknown>[] {
  if (!commit) throw unknownCommit(id, dictionary)
  if (!keys) return commit.changes
  return keys.map(key => {
    const change = commit.changes.find(one => one.key === key)
    if (change) return change
    throw new HistoryError(`Commit ${quoted(id)} of dictionary "${dictionary}" did not touch key ${quoted(key)}.`, {
      dictionary,
      key,
    })
  })
}

/** What must not have changed since the state that the plan rests on. */
function guards({ version }: FrozenState, changes: readonly KeyChange<unknown>[]): Condition[] {
  if (changes.length > GUARDED_KEYS) return [{ type: 'version', version }]
  return changes.map(({ key }) => ({ type: 'unchanged', key, since: version }))
}

function toOperation({ key, before }: KeyChange<unknown>): Operation<unknown> {
  return before === undefined ? { type: 'delete', key } : { type: 'set', key, stored: before }
}

function changedSince(id: string, keys: readonly string[], dictionary: string): ConflictError {
  const named = keys.slice(0, NAMED_KEYS).map(quoted).join(', ')
  const more = keys.length > NAMED_KEYS ? ` and ${keys.length - NAMED_KEYS} more` : ''
  const details = keys.length === 1 ? { dictionary, key: keys[0] as string } : { dictionary }
  return new ConflictError(
    `Commit ${quoted(id)} of dictionary "${dictionary}" was not reverted, because later commits changed ${named}${more}. Look at their ` +
      'history first; revert with { force: true } to put the old values back nevertheless, or name the other keys in "keys".',
    details,
  )
}
