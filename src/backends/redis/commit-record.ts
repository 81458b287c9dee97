import { isUtf8 } from 'node:buffer'
import { DamagedValue } from '../../contract/damaged-value.js'
import { type KeyChange, keyChange, type StoredCommit, type Via } from '../../contract/history.js'
import { builtin } from '../../process/builtin.js'
import { LoadedEntries } from './loaded-entries.js'
import { isVersion } from './nonces.js'
import { countOf, listOf, unexpected } from './shape.js'

/** The parts of the id of a commit: its position, its history, and the attempt that made it. */
export interface CommitId {
  readonly position: string
  readonly epoch: string
  readonly tag: string
}

const ID = /^(\d{1,15})-([0-9a-f]{12})-([0-9a-f]{12})$/

export function parseId(id: string): CommitId | undefined {
  const [, position, epoch, tag] = ID.exec(id) ?? []
  return position && epoch && tag ? { position, epoch, tag } : undefined
}

/** What distinguishes commits at the same position. After a failover that lost writes, positions recur, but versions do not. */
export function tagOf(version: string): string {
  return builtin.crypto.createHash('sha1').update(version).digest('hex').slice(0, 12)
}

/** The character with which clients replace invalid UTF-8. */
const REPLACEMENT = '\uFFFD'

/** Returns whether any text of a reply may differ from what is stored. */
export function isDoubtful(reply: unknown): boolean {
  if (Array.isArray(reply)) return reply.some(isDoubtful)
  return typeof reply === 'string' && reply.includes(REPLACEMENT)
}

/** A commit as the script returned it; see scripts/history.lua. */
export class CommitRecord {
  readonly position: number
  /** The hash of what it cleared, or the size of that hash. */
  readonly cleared: LoadedEntries | number
  readonly #bytes: Buffer

  /** @throws StoreUnavailableError if the script cannot have sent the reply. */
  constructor(reply: unknown) {
    const [position, text, cleared] = listOf(reply, 3)
    this.position = countOf(position)
    this.#bytes = bytesOf(text)
    this.cleared = Array.isArray(cleared) ? new LoadedEntries() : countOf(cleared)
    if (this.cleared instanceof LoadedEntries) this.cleared.addAll(listOf(cleared))
  }

  /** The state after its batch; '' if the record is damaged. */
  get version(): string {
    return this.#head()?.version ?? ''
  }

  /** Returns `undefined` if the record is damaged. */
  toCommit(epoch: string, cleared: LoadedEntries): StoredCommit | undefined {
    const head = this.#head()
    const fields = head && readFields(this.#bytes, head.end)
    if (!fields) return undefined
    const { by, reason, via = 'library' } = textsOf(fields)
    const changes = changesOf(fields)
    for (const [key, stored] of cleared.toState('').entries) {
      if (!changes.has(key)) changes.set(key, keyChange(key, stored, undefined))
    }
    const { position } = this
    return {
      id: `${position}-${epoch}-${tagOf(head.version)}`,
      position,
      version: head.version,
      at: head.at,
      ...(by !== undefined && { by }),
      ...(reason !== undefined && { reason }),
      via: via as Via,
      changes: [...changes.values()],
    }
  }

  #head(): { at: number; version: string; end: number } | undefined {
    const end = this.#bytes.indexOf('\n') + 1
    const line = this.#bytes.toString('latin1', 0, Math.min(end, LONGEST_LINE))
    const [, at, version] = /^format \d+ commit \d+ at (\d{1,15}) version (\S+)\n$/.exec(line) ?? []
    return isVersion(version) ? { at: Number(at), version, end } : undefined
  }
}

/** A version has at most 4,096 characters. */
const LONGEST_LINE = 5_000

type Field = readonly [name: string, value: Buffer]

/** Returns `undefined` if the lengths do not add up. */
function readFields(bytes: Buffer, from: number): Field[] | undefined {
  const fields: Field[] = []
  for (let at = from; at < bytes.length; ) {
    const [start, name, length] = /^(\w+) (\d{1,10}) /.exec(bytes.toString('latin1', at, at + 50)) ?? []
    const begin = at + (start?.length ?? 0)
    const end = begin + Number(length)
    if (name === undefined || bytes[end] !== NEWLINE) return undefined
    fields.push([name, bytes.subarray(begin, end)])
    at = end + 1
  }
  return fields
}

const NEWLINE = 0x0a

/** The fields before the first key. */
function textsOf(fields: readonly Field[]): Partial<Record<string, string>> {
  const end = fields.findIndex(([name]) => name === 'key')
  return Object.fromEntries(fields.slice(0, end < 0 ? undefined : end).map(([name, value]) => [name, value.toString()]))
}

/** Ignores fields that it does not know. */
function changesOf(fields: readonly Field[]): Map<string, KeyChange> {
  const changes = new Map<string, KeyChange>()
  let key: string | undefined
  for (const [name, value] of fields) {
    if (name === 'key') {
      key = value.toString()
      changes.set(key, { key })
    } else if (key !== undefined && (name === 'before' || name === 'after')) {
      changes.set(key, { ...(changes.get(key) as KeyChange), [name]: storedOf(value) })
    }
  }
  return changes
}

/** A stored form. Bytes that are not UTF-8 fail alone when they are decoded. */
function storedOf(value: Buffer): string {
  return isUtf8(value) ? value.toString() : (new DamagedValue('Its bytes are not UTF-8 text.', value) as never)
}

function bytesOf(text: unknown): Buffer {
  if (typeof text === 'string') return Buffer.from(text)
  if (text instanceof Uint8Array) return Buffer.from(text.buffer, text.byteOffset, text.byteLength)
  throw unexpected(text, 'a string')
}
