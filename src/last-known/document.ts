import { DamagedValue } from '../contract/damaged-value.js'
import { keyFault } from '../contract/key-fault.js'
import { builtin } from '../process/builtin.js'

/** The format that this release writes, and the only one that it reads. */
const FORMAT = 1

/** How every file begins. A file that begins differently is not ours, and is never overwritten. */
export const MAGIC = '{"durabledict":"last-known"'

const END_OF_HEAD = '"entries":[\n'
const SEPARATOR = ',\n'

/** What follows the entries. The checksum covers every byte before it. */
const FOOT = /\n\],"checksum":"sha256:([0-9a-f]{64})"\}\n$/
const FOOT_LENGTH = footOf('0'.repeat(64)).length

/** What the first line of a file says. */
export interface Head {
  /** The dictionary's name. */
  readonly name: string
  /** The name of the encoding of its values. */
  readonly encoding: string
  /** When the entries were last known to be current, in ms of the system's clock. */
  readonly at: number
}

/** The state in a file. */
export interface Document extends Head {
  readonly entries: Map<string, unknown>
}

/** Why a file is not used, as a sentence. */
export class Unusable extends Error {}

/** The first line. */
export function headOf({ name, encoding, at }: Head): string {
  const members = { durabledict: 'last-known', format: FORMAT, name, encoding, at: new Date(at).toISOString() }
  return `${JSON.stringify(members).slice(0, -1)},${END_OF_HEAD}`
}

/** The line of one entry. */
export function lineOf(key: string, stored: unknown, isFirst: boolean): string {
  return `${isFirst ? '' : SEPARATOR}${JSON.stringify([key, toJson(stored)])}`
}

/** The last line. */
export function footOf(checksum: string): string {
  return `\n],"checksum":"sha256:${checksum}"}\n`
}

/** Returns the first line of a file from its first bytes; `undefined` if it is damaged. */
export function readHead(start: string): Head | undefined {
  const end = start.indexOf(END_OF_HEAD)
  if (!start.startsWith(MAGIC) || end < 0) return undefined
  try {
    return toHead(JSON.parse(`${start.slice(0, end)}"entries":[]}`))
  } catch {
    return undefined
  }
}

/** @throws Unusable */
export function parse(bytes: Buffer): Document {
  const text = bytes.toString('utf8')
  if (!text.startsWith(MAGIC)) throw new Unusable('It is not a file of this library.')
  const [, expected] = FOOT.exec(text.slice(-FOOT_LENGTH)) ?? []
  const format = Number(/^[^\n]{0,100}?"format":(\d{1,9})/.exec(text)?.[1])
  if (format > FORMAT) throw new Unusable(`It has format ${format}, and this release reads only format ${FORMAT}.`)
  if (expected === undefined) throw new Unusable('It is not complete.')
  const covered = bytes.subarray(0, bytes.length - FOOT_LENGTH)
  const checksum = builtin.crypto.createHash('sha256').update(covered).digest('hex')
  if (checksum !== expected) throw new Unusable('Its checksum is wrong: it was damaged or edited.')
  return toDocument(text)
}

function toDocument(text: string): Document {
  try {
    const members = JSON.parse(text)
    return { ...toHead(members), entries: toEntries(members.entries) }
  } catch (cause) {
    throw new Unusable('It does not contain the entries of a dictionary.', { cause })
  }
}

function toHead({ format, name, encoding, at }: Readonly<Record<string, unknown>>): Head {
  const time = Date.parse(String(at))
  if (format !== FORMAT || typeof name !== 'string' || typeof encoding !== 'string' || Number.isNaN(time)) {
    throw new TypeError('The first line lacks a member.')
  }
  return { name, encoding, at: time }
}

function toEntries(pairs: readonly (readonly [unknown, unknown])[]): Map<string, unknown> {
  const entries = new Map<string, unknown>()
  for (const [key, json] of pairs) {
    if (keyFault(key)) throw new TypeError('A key is invalid.')
    entries.set(key as string, fromJson(json))
  }
  return entries
}

/** Text as it is, bytes in base64. What is neither cannot be kept, and breaks only its own key. */
function toJson(stored: unknown): unknown {
  if (typeof stored === 'string') return stored
  if (stored instanceof Uint8Array) return { bytes: Buffer.from(stored).toString('base64') }
  return { damaged: stored instanceof DamagedValue ? stored.reason : 'The last known file holds only text and bytes.' }
}

function fromJson(json: unknown): unknown {
  if (typeof json === 'string') return json
  const { bytes, damaged } = json as { bytes?: unknown; damaged?: unknown }
  if (typeof bytes === 'string') return new Uint8Array(Buffer.from(bytes, 'base64'))
  if (typeof damaged === 'string') return new DamagedValue(damaged)
  throw new TypeError('A value is neither text nor bytes.')
}
