import { type CommitNote, notesWorthKeeping, type Via } from '../../contract/history.js'

/** Whose the changes of a log are: notes by the number of the change. */
export type Notes = Readonly<Record<string, readonly CommitNote[]>>

/** The notes of a head or part, as members of its first line. Absent if there are none. */
export interface Noted {
  readonly notes?: Notes | undefined
}

/** Returns the notes with those of one more change. */
export function withNotes(notes: Notes | undefined, number: number, added: readonly CommitNote[] | undefined): Noted {
  return added ? { notes: { ...notes, [number]: added } } : { ...(notes && { notes }) }
}

/** Their length as stored, in characters. */
export function lengthOfNotes(notes: unknown): number {
  return notes === undefined ? 0 : JSON.stringify(notes).length
}

/** Malformed notes are ignored: the log is valid without them. */
export function parseNotes(value: unknown): Noted {
  if (typeof value !== 'object' || value === null) return {}
  const notes: Record<string, readonly CommitNote[]> = {}
  for (const [number, list] of Object.entries(value)) {
    if (/^\d+$/.test(number) && Array.isArray(list) && list.every(isNote)) notes[number] = list.map(known)
  }
  return Object.keys(notes).length > 0 ? { notes } : {}
}

/** Returns the notes of a change, unless they are not those of so many effects. */
export function notesFor(notes: Notes | undefined, number: number, effects: number): readonly CommitNote[] | undefined {
  const list = notes && Object.hasOwn(notes, number) ? notes[number] : undefined
  return list && list.reduce((sum, note) => sum + note.effects, 0) === effects ? list : undefined
}

/** Returns the notes of several changes that become one, of each of which some effects may be missing. */
export function joinNotes(
  changes: readonly { readonly notes?: readonly CommitNote[] | undefined; readonly kept: readonly boolean[] }[],
): readonly CommitNote[] | undefined {
  return notesWorthKeeping(
    changes.flatMap(({ notes, kept }) => {
      let start = 0
      return (notes ?? [{ effects: kept.length }]).map(note => {
        const own = kept.slice(start, start + note.effects)
        start += note.effects
        return { ...note, effects: own.filter(Boolean).length }
      })
    }),
  )
}

/** Returns the notes without an author. */
export function withoutAuthor(notes: Notes | undefined, author: string): Noted {
  if (!notes) return {}
  const without = (list: readonly CommitNote[]) =>
    list.map(({ by, ...note }) => (by === undefined || by === author ? note : { ...note, by }))
  return { notes: Object.fromEntries(Object.entries(notes).map(([number, list]) => [number, without(list)])) }
}

/** Whether a note names the author. */
export function isNoted(notes: Notes | undefined, author: string): boolean {
  return Object.values(notes ?? {}).some(list => list.some(({ by }) => by === author))
}

function isNote(value: unknown): value is CommitNote {
  const { effects, by, reason, via } = Object(value) as Record<string, unknown>
  const isText = (one: unknown) => one === undefined || typeof one === 'string'
  return Number.isSafeInteger(effects) && (effects as number) >= 0 && [by, reason, via].every(isText)
}

/** The members of a note that are known. */
function known({ effects, by, reason, via }: CommitNote): CommitNote {
  return {
    effects,
    ...(by !== undefined && { by }),
    ...(reason !== undefined && { reason }),
    ...(via !== undefined && { via: via as Via }),
  }
}
