import type { Effect, Group, Outcome } from '../../contract/backend.js'
import { DamagedValue } from '../../contract/damaged-value.js'
import { executeGroup, type Target } from '../../contract/execute-group.js'
import { InvalidValueError, StoreUnavailableError } from '../../errors/errors.js'
import { addChange, formatHead, formatPart, type Head } from './head.js'
import { bytesOf, type Mirror } from './mirror.js'
import type { Names } from './names.js'
import { type Stored, toData } from './stored.js'
import type { Added, Step } from './transport.js'

/**
 * The most bytes for the steps of one transaction, without the step on the version. The server accepts requests of
 * 1,048,575 bytes (jute.maxbuffer).
 */
const REQUEST_LIMIT = 980_000

/** The bytes of a step without its path, data and access control list. */
const STEP_BYTES = 25

/** How to write the groups of a batch, or the first of them, in one transaction. */
export interface Plan {
  readonly outcomes: readonly Outcome[]
  readonly effects: readonly Effect<Stored>[]
  readonly steps: readonly Step[]
  /** The head after the plan, or the present one if nothing changes. */
  readonly head: Head
}

/** The entries of a mirror, overlaid with the planned changes. */
class Overlay implements Target<Stored> {
  readonly changed = new Map<string, Stored | undefined>()
  readonly #mirror: Mirror
  #cleared = false

  constructor(mirror: Mirror) {
    this.#mirror = mirror
  }

  get(key: string): Stored | undefined {
    return this.changed.has(key) || this.#cleared ? this.changed.get(key) : this.#mirror.entries.get(key)
  }

  set(key: string, stored: Stored): void {
    this.changed.set(key, stored)
  }

  delete(key: string): void {
    this.changed.set(key, undefined)
  }

  clear(): boolean {
    const keys = [...this.#mirror.entries.keys()]
    const any = [...keys, ...this.changed.keys()].some(key => this.get(key) !== undefined)
    this.changed.clear()
    for (const key of keys) this.changed.set(key, undefined)
    this.#cleared = true
    return any
  }

  changedSince(since: string, key: string): boolean {
    return this.#mirror.touchedSince(since, key)
  }
}

/**
 * Plans as many groups, in order, as fit into one transaction. A group that can never fit is refused.
 *
 * @param added - the bytes that the transport adds to the steps.
 */
export function makePlan(
  groups: readonly Group<Stored>[],
  id: string,
  mirror: Mirror,
  names: Names,
  added: Added,
): Plan {
  const { head, znode } = mirror.position
  const overlay = new Overlay(mirror)
  const sizes = new Sizes(mirror, names, added)
  const effects: Effect<Stored>[] = []
  const outcomes: Outcome[] = []
  for (const group of groups) {
    const refused = sizes.refuse(group, overlay)
    if (!refused && !sizes.add(group)) break
    const version = effects.length > 0 ? undefined : mirror.version
    outcomes.push(refused ?? executeGroup(group, overlay, version, effects))
  }
  const epoch: Step = { type: 'check', path: names.epoch(head.epoch), version: -1 }
  if (effects.length === 0) {
    const steps: Step[] = [{ type: 'check', path: names.version, version: znode }, epoch]
    return { outcomes, effects, steps, head }
  }
  const { steps, touched } = stepsOf(overlay, mirror, names)
  const { head: next, part } = addChange(head, id, effects, head.cversion + touched)
  const move: Step = { type: 'set', path: names.version, data: formatHead(next), version: znode }
  if (part) steps.push({ type: 'set', path: names.part(part.place), data: formatPart(part.content), version: -1 })
  return { outcomes, effects, steps: [move, epoch, ...steps], head: next }
}

/** Returns one step for each key whose state changes, and how many of the steps create or delete a znode. */
function stepsOf(overlay: Overlay, mirror: Mirror, names: Names): { steps: Step[]; touched: number } {
  const steps: Step[] = []
  let touched = 0
  for (const [key, stored] of overlay.changed) {
    const path = names.key(key)
    const existed = mirror.entries.has(key)
    if (existed !== (stored !== undefined)) touched += 1
    if (stored === undefined) {
      if (existed) steps.push({ type: 'delete', path, version: -1 })
    } else if (existed) steps.push({ type: 'set', path, data: toData(stored), version: -1 })
    else steps.push({ type: 'create', path, data: toData(stored) })
  }
  return { steps, touched }
}

/** Counts the most bytes that a transaction may need. */
class Sizes {
  readonly #names: Names
  readonly #added: Added
  #bytes = 0
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

  /** Returns false if there is no room left for it. */
  add(group: Group<Stored>): boolean {
    const bytes = this.#bytesOf(group)
    if (this.#bytes > 0 && this.#bytes + bytes > REQUEST_LIMIT) return false
    this.#bytes += bytes
    return true
  }

  /** Returns a refusal for a group that can never be written. */
  refuse(group: Group<Stored>, overlay: Overlay): Outcome | undefined {
    const { path: dictionary } = this.#names
    const malformed = group.operations.find(
      one => 'stored' in one && typeof one.stored === 'string' && !one.stored.isWellFormed(),
    )
    if (malformed) return { status: 'refused', error: notText(keyOf(group), dictionary) }
    const bytes = this.#bytesOf(group)
    if (bytes > REQUEST_LIMIT) return { status: 'refused', error: tooLarge(keyOf(group), bytes, dictionary) }
    const growth = this.#growthOf(group, overlay)
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
  #growthOf({ operations }: Group<Stored>, overlay: Overlay): number {
    const added = new Set<string>()
    for (const operation of operations) {
      if ('stored' in operation && overlay.get(operation.key) === undefined) added.add(operation.key)
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
