import { isUtf8 } from 'node:buffer'
import { DamagedValue } from '../../contract/damaged-value.js'
import { type Attribution, type KeyChange, keyChange, type Via } from '../../contract/history.js'
import { builtin } from '../../process/builtin.js'
import { HISTORY_FORMAT } from './history-state.js'
import { parseJson } from './log-record.js'
import { isCount, membersOf } from './members.js'
import { isKey } from './names.js'
import type { Stored } from './stored.js'

/** The longest value that is recorded, in bytes. Of a longer one, only its size and hash. */
export const VALUE_LIMIT = 8_192

/** The limits that are tried in turn until a transaction fits. */
const VALUE_LIMITS = [VALUE_LIMIT, 1_024, 128, 0]

const VIAS: ReadonlySet<unknown> = new Set<Via>(['library', 'cli', 'console', 'sql', 'outside'])

/** A commit as it is stored. */
export interface RecordedCommit extends Attribution {
  readonly position: number
  /** `undefined` if there was no room for the keys. */
  readonly changes: readonly KeyChange<Stored>[] | undefined
}

/** The commits of one transaction. */
export interface Entry {
  readonly epoch: string
  /** The state after the transaction. */
  readonly version: string
  readonly commits: readonly RecordedCommit[]
}

/** The data of an entry, with as much of the values as there is room for: one line for each commit, after the first line. */
export function formatEntry(entry: Entry, room: number): Buffer {
  for (const limit of VALUE_LIMITS) {
    const data = toLines(entry, changes => changes.map(change => toRecord(change, limit)))
    if (data.length <= room) return data
  }
  return toLines(entry, () => undefined)
}

/** Returns `undefined` if it is malformed. Members that are not known are ignored. */
export function parseEntry(data: Buffer): Entry | undefined {
  if (!isUtf8(data)) return undefined
  const [first, ...lines] = data.toString().split('\n').map(parseJson)
  const { format, epoch, version } = membersOf(first)
  if (format !== HISTORY_FORMAT || typeof epoch !== 'string' || typeof version !== 'string') return undefined
  const commits = lines.map(toCommit)
  return commits.every(commit => commit !== undefined) ? { epoch, version, commits } : undefined
}

/**
 * Returns the data with each commit changed, or without it. All else stays as it is, whether known or not.
 *
 * @param data - a valid entry.
 */
export function rewriteEntry(
  data: Buffer,
  change: (commit: RecordedCommit) => Pick<RecordedCommit, 'by'> | undefined,
): Buffer {
  const [first, ...lines] = data.toString().split('\n')
  const changed = lines.flatMap(line => {
    const members = membersOf(parseJson(line))
    const next = change(toCommit(members) as RecordedCommit)
    return next ? [JSON.stringify({ ...members, by: next.by })] : []
  })
  return Buffer.from([first, ...changed].join('\n'))
}

function toLines({ commits, ...first }: Entry, format: (changes: readonly KeyChange<Stored>[]) => unknown): Buffer {
  const lines = commits.map(({ changes, ...commit }) => ({ ...commit, changes: changes && format(changes) }))
  return Buffer.from([{ format: HISTORY_FORMAT, ...first }, ...lines].map(line => JSON.stringify(line)).join('\n'))
}

function toRecord({ key, before, after }: KeyChange<Stored>, limit: number): readonly unknown[] {
  return [key, toSide(before, limit), toSide(after, limit)]
}

function toSide(stored: Stored | undefined, limit: number): unknown {
  if (stored === undefined) return null
  if (stored instanceof DamagedValue) return { damaged: stored.reason }
  const size = Buffer.byteLength(stored)
  if (size > limit) return { size, sha256: builtin.crypto.createHash('sha256').update(stored).digest('hex') }
  return typeof stored === 'string' ? stored : { bytes: Buffer.from(stored).toString('base64') }
}

function toCommit(line: unknown): RecordedCommit | undefined {
  const { position, by, reason, via, changes } = membersOf(line)
  if (!isCount(position)) return undefined
  const says = {
    ...(typeof by === 'string' && { by }),
    ...(typeof reason === 'string' && { reason }),
    ...(VIAS.has(via) && { via: via as Via }),
  }
  const parsed = Array.isArray(changes) ? changes.map(toChange) : []
  if (!parsed.every(change => change !== undefined)) return undefined
  return { position, ...says, changes: Array.isArray(changes) ? parsed : undefined }
}

function toChange(value: unknown): KeyChange<Stored> | undefined {
  const [key, before, after] = Array.isArray(value) ? value : []
  return typeof key === 'string' && isKey(key) ? keyChange(key, ofSide(before), ofSide(after)) : undefined
}

function ofSide(value: unknown): Stored | undefined {
  if (value === null || value === undefined) return undefined
  if (typeof value === 'string') return value
  const { bytes, size, damaged } = membersOf(value)
  if (typeof bytes === 'string') return new Uint8Array(Buffer.from(bytes, 'base64'))
  if (typeof size === 'number') return new DamagedValue(`It has ${size} bytes: too many for the history.`)
  return new DamagedValue(typeof damaged === 'string' ? damaged : 'The history contains it in an unknown form.')
}
