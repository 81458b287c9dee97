import type { Condition, Group, Operation, Outcome } from '../../contract/backend.js'
import type { HistoryPage, HistoryQuery, KeyChange, StoredCommit } from '../../contract/history.js'
import { ConflictError, HistoryError } from '../../errors/errors.js'
import { quoted } from '../../errors/quoted.js'
import type { FrozenState } from '../../replica/frozen-state.js'
import type { Codec } from '../codec.js'
import type { Keys } from '../keys.js'
import type { WriteOptions } from '../options.js'
import { unknownCommit, walkBack } from './walk.js'

/** How often it is tried again when other keys, or the same state, are written meanwhile. */
const ATTEMPTS = 32

/** Up to this many keys are guarded one by one; for more, the whole state must be unchanged. */
const GUARDED_KEYS = 1_000

/** Up to this many keys are looked up one by one; for more, the history is read back to the commit. */
const FEW_KEYS = 10

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
   * Put back exactly what was stored, even if a key was changed since, or this dictionary could not write the old value itself: it
   * cannot decode it any more, the schema no longer accepts it, or `strictKeys` does not. Default `false`.
   *
   * @example
   * await settings.revert(commit.id, { force: true })
   */
  force?: boolean | undefined
}

type Page = (query: HistoryQuery) => Promise<HistoryPage<unknown>>

export interface RevertContext {
  readonly dictionary: string
  state(): Promise<FrozenState>
  /** The keys that the dictionary accepts. */
  readonly accepted: Keys
  readonly codec: Codec
  readonly page: Page
  submit(group: Group<unknown>): Promise<Outcome>
}

/** What to put back. */
export interface Choice {
  /** Default: all keys of the commit. */
  readonly keys: ReadonlySet<string> | undefined
  readonly force: boolean
}

/** Writes a new commit that puts back what the keys held before the commit with this id, atomically. */
export async function revert(context: RevertContext, id: string, choice: Choice): Promise<void> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    const state = await context.state()
    const plan = await planned(context, id, choice)
    if (plan.length === 0) return
    const group = { conditions: choice.force ? [] : guards(state, plan), operations: plan.map(toOperation) }
    const outcome = await context.submit(group)
    if (outcome.status === 'done') return
  }
  throw new ConflictError(
    `Commit ${quoted(id)} of dictionary "${context.dictionary}" was not reverted: its keys were written at each of ${ATTEMPTS} attempts.`,
    { dictionary: context.dictionary },
  )
}

/** The changes to undo. @throws ConflictError if a key was changed since, HistoryError if the commit or an old value is not known. */
async function planned(
  context: RevertContext,
  id: string,
  { keys, force }: Choice,
): Promise<readonly KeyChange<unknown>[]> {
  const { dictionary, page } = context
  const [commit] = (await page({ id, limit: 1 })).commits
  if (!commit) throw unknownCommit(id, dictionary)
  const changes = keys ? chosen(commit, keys, dictionary) : commit.changes
  if (force) return changes
  const changed = await changedAfter(page, commit, changes)
  if (changed.length > 0) throw changedSince(id, changed, dictionary)
  for (const change of changes) checkValue(change, id, context)
  return changes
}

function chosen(
  commit: StoredCommit<unknown>,
  keys: ReadonlySet<string>,
  dictionary: string,
): readonly KeyChange<unknown>[] {
  const byKey = new Map(commit.changes.map(change => [change.key, change]))
  return Array.from(keys, key => {
    const change = byKey.get(key)
    if (change) return change
    throw new HistoryError(
      `Commit ${quoted(commit.id)} of dictionary "${dictionary}" did not touch key ${quoted(key)}.`,
      {
        dictionary,
        key,
      },
    )
  })
}

/** The keys of these changes that commits after this one touched, or may have. */
async function changedAfter(
  page: Page,
  { id, position }: StoredCommit<unknown>,
  changes: readonly KeyChange<unknown>[],
): Promise<readonly string[]> {
  const keys = changes.map(({ key }) => key)
  if (keys.length <= FEW_KEYS) {
    const latest = await Promise.all(keys.map(key => latestOf(page, key)))
    return keys.filter((_, index) => (latest[index] as number) > position)
  }
  const { newer, target, dropped } = await walkBack(page, commit => commit.id === id)
  // Dropped meanwhile, with what came after it.
  if (!target) return keys
  const touched = new Set(newer.flatMap(commit => commit.changes.map(({ key }) => key)))
  return keys.filter(key => touched.has(key) || (dropped.get(key) ?? 0) > position)
}

/** The position of the last commit that may have touched the key. */
async function latestOf(page: Page, key: string): Promise<number> {
  const { commits, floor, dropped } = await page({ key, limit: 1 })
  return Math.max(commits[0]?.position ?? 0, floor, new Map(dropped).get(key) ?? 0)
}

/** @throws HistoryError unless this dictionary could write and read the old value itself. */
function checkValue({ key, before }: KeyChange<unknown>, id: string, context: RevertContext): void {
  const { dictionary, accepted, codec } = context
  try {
    accepted.check(key)
    if (before !== undefined) codec.checkStored(key, before)
  } catch (cause) {
    throw new HistoryError(
      `Commit ${quoted(id)} of dictionary "${dictionary}" was not reverted, because this dictionary does not accept what key ` +
        `${quoted(key)} held before it; "cause" says why. Revert with { force: true } to put it back nevertheless, or name the other ` +
        'keys in "keys".',
      { dictionary, key, cause },
    )
  }
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
