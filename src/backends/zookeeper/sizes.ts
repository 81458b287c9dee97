import type { Group, Outcome } from '../../contract/backend.js'
import { DamagedValue } from '../../contract/damaged-value.js'
import type { Attribution } from '../../contract/history.js'
import { InvalidValueError, StoreUnavailableError } from '../../errors/errors.js'
import { VALUE_LIMIT } from './history-record.js'
import { bytesOf, type Mirror } from './mirror.js'
import type { Names } from './names.js'
import { STEP_BYTES } from './plan-history.js'
import type { Stored } from './stored.js'
import type { Added } from './transport.js'

/**
 * The most bytes for the steps of one transaction, without the step on the version. The server accepts requests of
 * 1,048,575 bytes (jute.maxbuffer).
 */
const REQUEST_LIMIT = 980_000

/** The longest notes of a transaction in the log, in characters. */
const NOTES_LIMIT = 8_192

/** What a change takes in the history besides its key and values, and what quotes add to text. */
const CHANGE_BYTES = 20
const QUOTES = 1.25

/** The entries on which a group is executed. */
interface Entries {
  get(key: string): Stored | undefined
  entries(): Iterable<readonly [string, Stored]>
}

/** Counts the most bytes that a transaction may need. */
export class Sizes {
  readonly #names: Names
  readonly #added: Added
  #bytes = 0
  #notes = 0
  #author: Attribution | undefined
  /** The bytes needed to delete all keys, including those that the plan adds. */
  #clearing: number

  constructor(mirror: Mirror, names: Names, added: Added) {
    this.#names = names
    this.#added = added
    this.#clearing = mirror.nameBytes + mirror.entries.size * this.#perKey
  }

  get #perKey(): number {
    return this.#added.path + this.#names.prefixBytes + STEP_BYTES
  }

  /**
   * Returns false if there is no room left for it.
   *
   * @param entries - the entries before it, if it is recorded in the history.
   */
  add(group: Group<Stored>, entries: Entries | undefined): boolean {
    const bytes = this.#bytesOf(group) + (entries ? historyBytesOf(group, entries) : 0)
    const notes = this.#notesOf(group)
    const isFirst = this.#bytes === 0
    if (!isFirst && (this.#bytes + bytes > REQUEST_LIMIT || this.#notes + notes > NOTES_LIMIT)) return false
    this.#bytes += bytes
    this.#notes += notes
    this.#author = group.attribution
    return true
  }

  /** Returns the size of its note in the log. Neighbours with the same author share one. */
  #notesOf({ attribution: own }: Group<Stored>): number {
    const last = this.#author
    if (own?.by === last?.by && own?.reason === last?.reason && own?.via === last?.via) return 0
    return 60 + (own?.by?.length ?? 0) + (own?.reason?.length ?? 0)
  }

  /** Returns a refusal for a group that can never be written. */
  refuse(group: Group<Stored>, entries: Entries): Outcome | undefined {
    const { path: dictionary } = this.#names
    const malformed = group.operations.find(
      one => 'stored' in one && typeof one.stored === 'string' && !one.stored.isWellFormed(),
    )
    if (malformed) return { status: 'refused', error: notText(keyOf(group), dictionary) }
    const bytes = this.#bytesOf(group)
    if (bytes > REQUEST_LIMIT) return { status: 'refused', error: tooLarge(keyOf(group), bytes, dictionary) }
    const growth = this.#growthOf(group, entries)
    if (growth > 0 && this.#clearing + growth > REQUEST_LIMIT) {
      return { status: 'refused', error: tooMany(keyOf(group), dictionary) }
    }
    this.#clearing += growth
    return undefined
  }

  #bytesOf({ operations }: Group<Stored>): number {
    let sum = 0
    for (const operation of operations) {
      if (operation.type === 'clear') sum += this.#clearing
      else sum += this.#perKey + bytesOf(operation.key)
      if ('stored' in operation) sum += this.#added.acl + lengthOf(operation.stored)
    }
    return sum
  }

  /** Returns how many more bytes are needed to delete all keys. */
  #growthOf({ operations }: Group<Stored>, entries: Entries): number {
    const added = new Set<string>()
    for (const operation of operations) {
      if ('stored' in operation && entries.get(operation.key) === undefined) added.add(operation.key)
    }
    let sum = 0
    for (const key of added) sum += this.#perKey + bytesOf(key)
    return sum
  }
}

function lengthOf(stored: Stored): number {
  if (stored instanceof DamagedValue) return 0
  return typeof stored === 'string' ? Buffer.byteLength(stored) : stored.byteLength + 1
}

function keyOf({ operations }: Group<Stored>): string | undefined {
  const [first] = operations
  return operations.length === 1 && first && 'key' in first ? first.key : undefined
}

function about(key: string | undefined): string {
  return key === undefined ? 'A write' : `The value of key ${JSON.stringify(key)}`
}

function notText(key: string | undefined, dictionary: string): InvalidValueError {
  return new InvalidValueError(
    `${about(key)} in dictionary "${dictionary}" is not well-formed text: its encoding must not return lone surrogates.`,
    { dictionary, key },
  )
}

function tooLarge(key: string | undefined, bytes: number, dictionary: string): InvalidValueError {
  return new InvalidValueError(
    `${about(key)} needs ${bytes} bytes with its path. A transaction can have at most ${REQUEST_LIMIT} for dictionary ` +
      `"${dictionary}" (jute.maxbuffer, 1 MiB, less overhead). Nothing was written.`,
    { dictionary, key },
  )
}

function tooMany(key: string | undefined, dictionary: string): StoreUnavailableError {
  return new StoreUnavailableError(
    `Dictionary "${dictionary}" cannot have more keys: their paths are limited to ${REQUEST_LIMIT} bytes in total, so that ` +
      'clear() fits into one transaction, and the list of children into the read limit of other clients (1 MiB). Nothing was ' +
      'written: delete keys, or use shorter ones.',
    { dictionary, key },
  )
}

/** Estimates what a group takes in the history. What turns out to be too long is recorded without its values. */
function historyBytesOf({ operations, attribution }: Group<Stored>, entries: Entries): number {
  let sum = CHANGE_BYTES + (attribution?.by?.length ?? 0) + (attribution?.reason?.length ?? 0)
  for (const operation of operations) {
    if (operation.type === 'clear') for (const [key, stored] of entries.entries()) sum += changeBytes(key, stored)
    else
      sum += changeBytes(
        operation.key,
        entries.get(operation.key),
        'stored' in operation ? operation.stored : undefined,
      )
  }
  return sum * QUOTES
}

function changeBytes(key: string, ...sides: (Stored | undefined)[]): number {
  const values = sides.map(side => (side === undefined ? 0 : Math.min(VALUE_LIMIT, lengthOf(side))))
  return CHANGE_BYTES + key.length + values.reduce((sum, length) => sum + length, 0)
}
