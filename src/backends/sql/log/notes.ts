import type { CommitNote, Via } from '../../../contract/history.js'

/** The layout of the notes that this release writes. */
const FORMAT = 1

/**
 * What is to be said of a change as text for its column; `null` if it is nothing.
 *
 * @param acknowledge - whether replicas are to acknowledge it. Releases that do not know of this ignore it.
 */
export function notesText(notes: readonly CommitNote[] | undefined, acknowledge = false): string | null {
  if (!notes && !acknowledge) return null
  return JSON.stringify({ format: FORMAT, ...(notes && { notes }), ...(acknowledge && { acknowledge }) })
}

/** Whether such text asks for acknowledgements. */
export function asksForAcknowledgement(text: unknown): boolean {
  return parsed(text).acknowledge === true
}

/**
 * Reads such text. Ignores anything else: notes describe a change, and do not alter it.
 *
 * @param count - how many effects the change has.
 */
export function readNotes(text: unknown, count: number | undefined): readonly CommitNote[] | undefined {
  const { format, notes } = parsed(text)
  if (format !== FORMAT || !Array.isArray(notes)) return undefined
  const read = notes.map(readNote)
  if (!read.every(note => note !== undefined)) return undefined
  return read.reduce((sum, { effects }) => sum + effects, 0) === count ? read : undefined
}

/** Returns such text without an author, or `undefined` if it does not name the author. */
export function notesWithoutAuthor(text: unknown, author: string): string | undefined {
  const said = parsed(text)
  const notes = Array.isArray(said.notes) ? said.notes : []
  const isTheirs = (note: unknown) => Object(note).by === author
  if (!notes.some(isTheirs)) return undefined
  return JSON.stringify({ ...said, notes: notes.map(note => (isTheirs(note) ? { ...note, by: undefined } : note)) })
}

function parsed(text: unknown): Readonly<Record<string, unknown>> {
  if (typeof text !== 'string') return {}
  try {
    return Object(JSON.parse(text))
  } catch {
    return {}
  }
}

function readNote(note: unknown): CommitNote | undefined {
  const { effects, by, reason, via } = Object(note) as Record<string, unknown>
  if (!Number.isSafeInteger(effects) || (effects as number) < 0) return undefined
  return {
    effects: effects as number,
    ...(typeof by === 'string' && { by }),
    ...(typeof reason === 'string' && { reason }),
    ...(typeof via === 'string' && { via: via as Via }),
  }
}
