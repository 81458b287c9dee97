import type { Attribution, CommitNote, KeyChange } from '../../contract/history.js'
import { entryName, markOf } from './history-entry-name.js'
import { folderName, nextFolder } from './history-folders.js'
import { formatEntry } from './history-record.js'
import type { HistoryStart } from './history-start.js'
import { type HistoryMark, policyOf } from './history-state.js'
import type { Names } from './names.js'
import type { Stored } from './stored.js'
import type { Added, Step } from './transport.js'

/** The most bytes of a transaction, less a reserve: the server accepts requests of 1,048,575 (jute.maxbuffer). */
const TRANSACTION_LIMIT = 1_044_000

/** The bytes of a step without its path, data and access control list. */
export const STEP_BYTES = 25

/** What one group did. */
export interface Done {
  readonly note: CommitNote
  readonly changes: readonly KeyChange<Stored>[]
}

/** How a transaction continues the history. */
export interface HistoryMove {
  readonly mark: HistoryMark
  readonly touched: number
}

export function keepsHistory({ mark }: HistoryStart): boolean {
  return policyOf(mark) !== false
}

/** What the head says after these commits. */
export function moveHistory(start: HistoryStart, commits: number): HistoryMove {
  const { mark, touched } = start
  if (!keepsHistory(start) || commits === 0) return { mark, touched }
  return { mark: { ...mark, position: mark.position + commits, folder: nextFolder(mark).first }, touched }
}

/**
 * The steps that write the commits of a transaction: one znode for all of them, in a folder with those of other transactions.
 *
 * @param steps - the other steps, whose bytes leave the room.
 */
export function historySteps(
  start: HistoryStart,
  version: string,
  done: readonly Done[],
  steps: readonly Step[],
  names: Names,
  added: Added,
): readonly Step[] {
  if (!keepsHistory(start) || done.length === 0) return start.steps
  const { epoch, position } = start.mark
  const commits = done.map(({ note, changes }, index) => ({ position: position + index + 1, ...saysOf(note), changes }))
  const { first, isNew } = nextFolder(start.mark)
  const folder = folderName(first)
  const creation: Step = { type: 'create', path: names.historyEntry(folder), data: Buffer.alloc(0) }
  const before = isNew ? [...start.steps, creation] : start.steps
  const room = TRANSACTION_LIMIT - bytesOfSteps([...steps, ...before], added) - 200 - added.acl - added.path
  const data = formatEntry({ epoch, version, commits }, room - names.history.length)
  const [only, ...others] = done.flatMap(({ changes }) => changes)
  const mark = only && others.length === 0 && done.length === 1 ? markOf(only.key) : undefined
  const path = names.historyEntry(`${folder}/${entryName(position + 1, done.length, data.length, mark)}`)
  return [...before, { type: 'create', path, data }]
}

/** The notes of a change, with those of neighbouring groups of the same author as one. Absent if none says anything. */
export function notesOf(done: readonly Done[]): readonly CommitNote[] | undefined {
  const notes: CommitNote[] = []
  for (const { note } of done) {
    const last = notes.at(-1)
    if (last && isSame(last, note)) notes[notes.length - 1] = { ...last, effects: last.effects + note.effects }
    else notes.push(note)
  }
  const [only] = notes
  return notes.length === 1 && only && isSame(only, {}) ? undefined : notes
}

function isSame(one: Attribution, other: Attribution): boolean {
  return one.by === other.by && one.reason === other.reason && one.via === other.via
}

function saysOf({ effects: _, ...attribution }: CommitNote): Attribution {
  return attribution
}

/** Whether the server might refuse the transaction for its size. */
export function isTooLarge(steps: readonly Step[], added: Added): boolean {
  return bytesOfSteps(steps, added) > TRANSACTION_LIMIT
}

/** Returns the size of steps in a request. */
export function bytesOfSteps(steps: readonly Step[], added: Added): number {
  let sum = 0
  for (const step of steps) {
    sum += STEP_BYTES + added.path + Buffer.byteLength(step.path)
    if ('data' in step) sum += step.data.length
    if (step.type === 'create') sum += added.acl
  }
  return sum
}
