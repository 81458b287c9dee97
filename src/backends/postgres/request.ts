import type { Batch, Condition, Group, Operation, Outcome, Version } from '../../contract/backend.js'
import { escapeText } from '../sql/escape.js'
import { newEpoch, parseVersion } from '../sql/version.js'
import { readSide } from './sides.js'
import { type Stored, type TextForm, toColumns } from './stored-form.js'

/** From so many operations on, they are executed by one statement. */
const FEW = 8

/** From so many keys on, no row is locked before the head. */
const MANY = 256

/** What the function for commits needs besides the groups. */
export interface RequestOptions {
  /** As the tables have its name. */
  readonly dictionary: string
  readonly form: TextForm
  readonly since: Version
  /** A version from before the first attempt. */
  readonly seen: Version
  readonly isRetry: boolean
  /** How long to wait for the lock of the head, in ms. */
  readonly wait: number
  /** How long the database may take in all, in ms. */
  readonly limit: number
}

/** What every attempt sends. */
export function requestOf({ id, groups, acknowledge }: Batch<Stored>, nonce: string, options: RequestOptions): string {
  const { dictionary, form, since, seen, isRetry, wait } = options
  return JSON.stringify({
    dictionary,
    batch: id,
    nonce,
    epoch: newEpoch(),
    wait: `${Math.max(1, Math.round(wait))}`,
    since: placeOf(since),
    seen: placeOf(seen),
    again: isRetry,
    acknowledge,
    keys: fewKeys(groups, form),
    groups: groups.map(group => groupOf(group, form)),
  })
}

/** Of many keys none is locked in advance, which would take longer than to write them. */
function fewKeys(groups: readonly Group<Stored>[], form: TextForm): readonly string[] {
  const keys = groups.flatMap(({ operations }) => operations.flatMap(one => (one.type === 'clear' ? [] : [one.key])))
  return keys.length > MANY ? [] : [...new Set(keys)].map(key => escapeText(key, form.unsafe))
}

function placeOf(version: Version): readonly [string, number, string] | null {
  const parts = parseVersion(version)
  return parts ? [parts.epoch, parts.number, parts.nonce] : null
}

/** By whom and why, in the form of the tables. */
export function attributionOf({ attribution }: Group<Stored>, form: TextForm) {
  const { by, reason, via } = attribution ?? {}
  const text = (value: string | undefined) => (value === undefined ? undefined : escapeText(value, form.unsafe))
  return { by: text(by), reason: text(reason), via }
}

function groupOf(group: Group<Stored>, form: TextForm) {
  const { conditions, operations } = group
  return {
    version: wholeVersion(conditions),
    unchanged: unchangedSince(conditions, form),
    ...attributionOf(group, form),
    many: areManyKeys(operations),
    operations: operations.map(operation => operationOf(operation, form)),
  }
}

/** Several that differ, or one that is not of this library, never hold. */
function wholeVersion(conditions: readonly Condition[]): string | undefined {
  const versions = new Set(conditions.flatMap(one => (one.type === 'version' ? [one.version] : [])))
  if (versions.size === 0) return undefined
  const [version] = versions
  return versions.size === 1 && typeof version === 'string' ? version : ''
}

/** The keys by the version since which they must be unchanged. */
function unchangedSince(conditions: readonly Condition[], form: TextForm) {
  const keys = new Map<Version, string[]>()
  for (const one of conditions) {
    if (one.type !== 'unchanged') continue
    const list = keys.get(one.since) ?? []
    list.push(escapeText(one.key, form.unsafe))
    keys.set(one.since, list)
  }
  return [...keys].map(([since, list]) => {
    const { epoch, number, nonce } = parseVersion(since) ?? { epoch: '', number: 0, nonce: '' }
    return [epoch, number, nonce, list]
  })
}

function areManyKeys(operations: readonly Operation<Stored>[]): boolean {
  if (operations.length < FEW) return false
  const keys = new Set<string>()
  for (const one of operations) {
    if (one.type === 'clear' || one.type === 'touch') return false
    keys.add(one.key)
  }
  return keys.size === operations.length
}

function operationOf(operation: Operation<Stored>, form: TextForm): readonly (string | null)[] {
  if (operation.type === 'clear') return ['clear']
  const key = escapeText(operation.key, form.unsafe)
  if (operation.type === 'touch') {
    const { before } = operation
    return ['touch', key, typeof before === 'string' ? escapeText(before, form.unsafe) : null]
  }
  if (operation.type !== 'set' && operation.type !== 'setDefault') return [operation.type, key]
  const { json, encoded } = toColumns(operation.stored as string, form)
  return [operation.type === 'set' ? 'set' : 'default', key, json, encoded]
}

/** Reads what the function says of each group. */
export function readOutcomes(groups: readonly Group<Stored>[], text: string | null): readonly Outcome[] | undefined {
  const lists: unknown = JSON.parse(text ?? 'null')
  if (!Array.isArray(lists) || lists.length !== groups.length) return undefined
  return groups.map(({ operations }, index): Outcome => {
    const list: unknown = lists[index]
    if (!Array.isArray(list)) return { status: 'conflict' }
    return { status: 'done', results: operations.map((operation, place) => resultOf(operation, list[place])) }
  })
}

function resultOf(operation: Operation<Stored>, result: unknown): unknown {
  if (operation.type === 'delete') return result === true
  if (operation.type === 'pop') return readSide(result)
  return operation.type === 'setDefault' ? (readSide(result) ?? operation.stored) : undefined
}
