import { describeError } from '../errors/for-key.js'
import { quoted } from '../errors/quoted.js'
import { warn } from '../warnings/warnings.js'
import { type Document, Unusable } from './document.js'
import { readDocument } from './read-file.js'
import type { LastKnownSettings, Owner } from './settings.js'

/** A state to serve until the store answers. */
export interface Found {
  readonly origin: 'last-known' | 'seed'
  readonly entries: Map<string, unknown>
  /** How long ago it was known to be current, in ms. */
  readonly age: number
}

/** Returns the state of the last known file, else that of the seed. Warns once for each file that exists and cannot be used. */
export async function findKnown({ file, seed, maxAge }: LastKnownSettings, owner: Owner): Promise<Found | undefined> {
  const known = await usable(file, owner, maxAge)
  if (known) return { origin: 'last-known', ...known }
  const shipped = seed === undefined ? undefined : await usable(seed, owner)
  return shipped && { origin: 'seed', ...shipped }
}

async function usable(file: string, owner: Owner, maxAge?: number): Promise<Omit<Found, 'origin'> | undefined> {
  try {
    const document = await readDocument(file)
    if (!document) return undefined
    assertOf(document, owner)
    return { entries: document.entries, age: ageOf(document, maxAge) }
  } catch (error) {
    warnOfUnused(file, owner.name, error)
    return undefined
  }
}

/** @throws Unusable if it is the file of another dictionary, or of another encoding. */
function assertOf({ name, encoding }: Document, owner: Owner): void {
  if (name !== owner.name) throw new Unusable(`It is the file of dictionary ${quoted(name)}.`)
  if (owner.encodings.includes(encoding)) return
  throw new Unusable(
    `Its values were encoded by ${quoted(encoding)}, and the dictionary has ${owner.encodings.join(' and ')}.`,
  )
}

/** If the clock was set back, a file may come from the future. Its age is then unknown: at least the time since now. */
function ageOf({ at }: Document, maxAge = Number.POSITIVE_INFINITY): number {
  const age = Date.now() - at
  if (age < 0 && maxAge !== Number.POSITIVE_INFINITY) {
    throw new Unusable(
      'It was written in the future, so that its age is unknown, and "maxAge" is set. Check the clock of this machine.',
    )
  }
  if (age > maxAge) throw new Unusable(`It is ${Math.round(age)} ms old, and "maxAge" is ${maxAge}.`)
  return Math.max(age, 0)
}

function warnOfUnused(file: string, dictionary: string, error: unknown): void {
  const reason = error instanceof Unusable ? error.message : describeError(error)
  warn('DURABLEDICT_LAST_KNOWN', `Dictionary "${dictionary}" does not use the file ${file}. ${reason}`, {
    source: file,
  })
}
