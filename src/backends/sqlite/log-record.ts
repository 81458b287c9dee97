import type { Change, Effect } from '../../contract/backend.js'
import { DamagedValue } from '../../contract/damaged-value.js'
import { type CommitNote, notesWorthKeeping, type Via } from '../../contract/history.js'
import { toVersion, type VersionParts } from '../sql/version.js'
import type { Row } from './connection.js'
import type { ColumnReader, Raw, Stored } from './text.js'

/** More than the most rows of a change in the log. */
const MOST_ROWS = 2 ** 14

/**
 * The value of the column `position`: the index of the row in its change, and the number of rows of the change, which
 * reveals a missing row. It is 0 for a change of one row.
 */
export function toPosition(index: number, rows: number): number {
  return index * MOST_ROWS + rows - 1
}

/** One row of the log, parsed strictly. */
interface LogRecord {
  readonly number: number
  readonly index: number
  readonly rows: number
  readonly nonce: string
  readonly previous: string
  readonly batch: string
  readonly effect: Effect<Stored>
  readonly note: StoredNote | undefined
}

/** How the batch of a statement by hand begins. */
export const EDIT_BATCH = 'sql-'

/** A note, as it is stored. */
export interface StoredNote extends CommitNote {
  /** Whether the change asks for acknowledgements. */
  readonly acknowledge?: boolean
}

type Step = Omit<Change<Stored>, 'notes'> & { readonly effects: Effect<Stored>[]; notes?: StoredNote[] | undefined }

/** The text of the column `note`. */
export function formatNote(note: CommitNote): string {
  return JSON.stringify(note)
}

/** Returns `undefined` if it is not a note. Ignores fields that it does not know. */
export function parseNote(text: string | undefined): StoredNote | undefined {
  if (text === undefined) return undefined
  try {
    return toNote(JSON.parse(text) as Record<string, unknown> | null)
  } catch {
    return undefined
  }
}

function toNote(json: Record<string, unknown> | null): StoredNote | undefined {
  if (!Number.isSafeInteger(json?.effects)) return undefined
  const { effects, by, reason, via, acknowledge } = json as Record<string, unknown>
  return {
    effects: effects as number,
    ...(typeof by === 'string' && { by }),
    ...(typeof reason === 'string' && { reason }),
    ...(typeof via === 'string' && { via: via as Via }),
    ...(acknowledge === true && { acknowledge }),
  }
}

/**
 * Returns the changes that lead from one version to another, in linear time.
 *
 * @returns if the log is damaged, where: a row that this library does not write, a gap, or a broken chain.
 */
export function parseChanges(
  rows: readonly Row[],
  columns: ColumnReader,
  from: VersionParts,
  to: VersionParts,
): Change<Stored>[] | string {
  const changes: Step[] = []
  let last: LogRecord | undefined
  for (const row of rows) {
    const record = parseRecord(row, columns)
    const { number } = last ?? from
    if (!record) return `a row of durabledict_changes after change ${number}`
    if (last && continues(last, record)) extend(changes.at(-1) as Step, record)
    else if ((!last || isLast(last)) && follows(last ?? from, record)) changes.push(toStep(record, from.epoch))
    else return `the order of durabledict_changes after change ${number}`
    last = record
  }
  const { number, nonce } = last ?? from
  const isComplete = last === undefined || isLast(last)
  return isComplete && number === to.number && nonce === to.nonce
    ? joinStatements(changes).map(withSoundNotes)
    : `the end of durabledict_changes after change ${number}`
}

/** Triggers log one change for each row of a statement, because they cannot know how many rows follow. */
function joinStatements(steps: readonly Step[]): Step[] {
  const joined: Step[] = []
  for (const step of steps) {
    const last = joined.at(-1)
    if (last && last.id === step.id && step.id?.startsWith(EDIT_BATCH)) joined[joined.length - 1] = addRow(last, step)
    else joined.push(step)
  }
  return joined
}

function addRow(last: Step, { version, effects, notes }: Step): Step {
  last.effects.push(...effects)
  const [first] = last.notes ?? []
  const isNoted = first !== undefined && notes?.length === 1
  return { ...last, version, notes: isNoted ? [{ ...first, effects: last.effects.length }] : [] }
}

function extend({ effects, notes }: Step, { effect, note }: LogRecord): void {
  effects.push(effect)
  if (note) notes?.push(note)
}

/** Notes only say whose the effects are: notes that do not account for all of them are left out. */
function withSoundNotes({ notes = [], ...change }: Step): Change<Stored> {
  const effects = notes.reduce((sum, note) => sum + note.effects, 0)
  const asks = notes.some(({ acknowledge }) => acknowledge)
  // Without an author or a reason, a note is there only to ask.
  const said = asks ? notesWorthKeeping(notes.map(({ acknowledge: _, ...note }) => note)) : notes
  return {
    ...change,
    ...(said && effects === change.effects.length && { notes: said }),
    ...(asks && { acknowledge: true }),
  }
}

/** Returns whether it is the next row of the same change. */
function continues(last: LogRecord, { number, index, rows, nonce, previous, batch }: LogRecord): boolean {
  return (
    number === last.number &&
    index === last.index + 1 &&
    rows === last.rows &&
    nonce === last.nonce &&
    previous === last.previous &&
    batch === last.batch
  )
}

/** Returns whether it is the first row of the next change. */
function follows(last: Pick<VersionParts, 'number' | 'nonce'>, { number, index, previous }: LogRecord): boolean {
  return number === last.number + 1 && index === 0 && previous === last.nonce
}

/** Returns whether it is the last row of its change. */
function isLast({ index, rows }: LogRecord): boolean {
  return index === rows - 1
}

function toStep({ number, nonce, previous, batch, effect, note }: LogRecord, epoch: string): Step {
  return {
    previous: toVersion(number - 1, epoch, previous),
    version: toVersion(number, epoch, nonce),
    effects: [effect],
    id: batch,
    notes: note ? [note] : [],
  }
}

/** The only parser of rows of the log. */
function parseRecord(row: Row, columns: ColumnReader): LogRecord | undefined {
  const { number, position, nonce, previous } = row
  const batch = columns.text(row.batch as Raw, row.batch_type)
  const effect = parseEffect(row, columns, batch?.startsWith(EDIT_BATCH) ?? false)
  if (typeof number !== 'number' || typeof position !== 'number' || batch === undefined || !effect) return undefined
  if (typeof nonce !== 'string' || typeof previous !== 'string') return undefined
  const [index, rows] = [Math.floor(position / MOST_ROWS), (position % MOST_ROWS) + 1]
  const note = parseNote(columns.text(row.note as Raw, row.note_type))
  return { number, index, rows, nonce, previous, batch, effect, note }
}

/** Of an edit by hand, a value may be anything: it breaks only its own key. */
function parseEffect(row: Row, columns: ColumnReader, isEdit: boolean): Effect<Stored> | undefined {
  const { type, key_type: keyType, value_type: valueType } = row
  if (type === 'clear') return keyType === 'null' && valueType === 'null' ? { type } : undefined
  const key = columns.key(row.key as Raw, keyType)
  if (key === undefined) return undefined
  if (type === 'delete') return valueType === 'null' ? { type, key } : undefined
  const stored = columns.stored(row.value as Raw, valueType)
  return type === 'set' && (isEdit || !(stored instanceof DamagedValue)) ? { type, key, stored } : undefined
}
