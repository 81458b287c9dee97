import { DamagedValue } from '../../../contract/damaged-value.js'
import type { Attribution, KeyChange } from '../../../contract/history.js'
import { keyChange } from '../../../contract/history.js'
import { keyFault } from '../../../contract/key-fault.js'
import { PART_LENGTH } from './tables.js'

/** What a value column holds, as the history keeps it. */
export type Recorded = string | Uint8Array | DamagedValue

/** What one group did. */
export interface GroupCommit<S> {
  readonly attribution: Attribution | undefined
  readonly changes: readonly KeyChange<S>[]
}

/** Begins a row that continues the text of the row before. */
const CONTINUED = '+'

/** The fewest characters of a row, however small statements must be. */
const SHORTEST = 1_024

/** What a character of text takes at most in a statement, in bytes, and what else is in the statement. */
const PER_CHARACTER = 6
const OVERHEAD = 32 * 1024

/**
 * The changes as the texts of rows: lists in JSON. A change that is too long for one row takes several by itself.
 *
 * @param largest - the maximum size of a statement, in bytes.
 */
export function toParts(changes: readonly KeyChange<Recorded>[], largest: number): string[] {
  const most = Math.min(PART_LENGTH, Math.max(SHORTEST, Math.floor((largest - OVERHEAD) / PER_CHARACTER)))
  const parts: string[] = []
  let list: string[] = []
  let length = 0
  const flush = () => {
    if (list.length > 0) parts.push(`[${list.join(',')}]`)
    list = []
    length = 0
  }
  for (const change of changes) {
    const text = JSON.stringify(toTuple(change))
    if (length + text.length + 2 > most) flush()
    if (text.length + 2 > most) parts.push(...pieces(`[${text}]`, most))
    else {
      list.push(text)
      length += text.length + 1
    }
  }
  flush()
  return parts.length > 0 ? parts : ['[]']
}

/** Never cuts between the halves of a surrogate pair. */
function pieces(text: string, most: number): string[] {
  const cut: string[] = []
  for (let start = 0; start < text.length; ) {
    let end = Math.min(start + most - 1, text.length)
    if (end < text.length && isHighSurrogate(text.charCodeAt(end - 1))) end -= 1
    cut.push((start === 0 ? '' : CONTINUED) + text.slice(start, end))
    start = end
  }
  return cut
}

function isHighSurrogate(unit: number): boolean {
  return (unit & 0xfc00) === 0xd800
}

function toTuple({ key, before, after }: KeyChange<Recorded>): readonly unknown[] {
  return [key, toSide(before), toSide(after)]
}

function toSide(side: Recorded | undefined): unknown {
  if (side === undefined) return null
  if (typeof side === 'string') return side
  return side instanceof DamagedValue ? { damaged: true } : { bytes: Buffer.from(side).toString('base64') }
}

/** Reads the texts of the rows of one commit; `undefined` if the library has not written them. */
export function fromParts(parts: readonly unknown[]): readonly KeyChange<Recorded>[] | undefined {
  const lists: string[] = []
  for (const part of parts) {
    if (typeof part !== 'string') return undefined
    if (!part.startsWith(CONTINUED)) lists.push(part)
    else if (lists.length === 0) return undefined
    else lists.push((lists.pop() as string) + part.slice(1))
  }
  const changes: KeyChange<Recorded>[] = []
  for (const list of lists) {
    const tuples = parsed(list)
    if (!Array.isArray(tuples)) return undefined
    for (const tuple of tuples) {
      const change = readTuple(tuple)
      if (!change) return undefined
      changes.push(change)
    }
  }
  return changes
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function readTuple(tuple: unknown): KeyChange<Recorded> | undefined {
  if (!Array.isArray(tuple) || keyFault(tuple[0]) !== undefined) return undefined
  const [key, before, after] = [tuple[0] as string, readSide(tuple[1]), readSide(tuple[2])]
  return keyChange(key, before, after)
}

function readSide(side: unknown): Recorded | undefined {
  if (side === null || side === undefined) return undefined
  if (typeof side === 'string') return side
  const { bytes, hex } = Object(side) as { bytes?: unknown; hex?: unknown }
  if (typeof bytes === 'string') return Buffer.from(bytes, 'base64')
  // By triggers of databases without base64.
  if (typeof hex === 'string') return Buffer.from(hex, 'hex')
  return new DamagedValue('The value could not be read when it was changed.')
}
