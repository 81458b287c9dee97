import type { Effect, Version } from '../../contract/backend.js'
import { touches } from '../../contract/execute-group.js'
import { parseVersion, toVersion, type VersionParts } from '../sql/version.js'
import type { SqlRow } from './manager.js'
import { type Stored, StoredRow } from './stored.js'

/** How much history is kept for each dictionary, at most: commits, and bytes of their keys and values. */
export const LOG_COMMITS = 10_000
export const LOG_BYTES = 8 * 1024 * 1024

/** The log is trimmed once in so many commits: each time it is looked through as a whole. */
export const TRIM_EVERY = 64

/** What the log says of one entry: what a change did, or that the row is to be read. */
export type LoggedEffect = Effect<Stored> | { readonly type: 'row'; readonly key: string }

/** One commit, as the log has it. */
export interface LoggedChange {
  readonly previous: Version
  readonly version: Version
  readonly id: string
  /** `undefined`: everything is to be read. */
  readonly effects: readonly LoggedEffect[] | undefined
}

/** What the log says of the time since a version. */
export type Past =
  | { readonly type: 'changes'; readonly changes: readonly LoggedChange[] }
  | { readonly type: 'tooOld'; readonly diverged: boolean }

/** As text for the log; `null` where it is too much. */
export function serialize(effects: readonly LoggedEffect[]): string | null {
  const text = JSON.stringify(effects.map(toTuple))
  return text.length > LOG_BYTES ? null : text
}

function toTuple(effect: LoggedEffect): readonly string[] {
  if (effect.type === 'clear') return ['clear']
  if (effect.type !== 'set') return [effect.type, effect.key]
  const { key, stored } = effect
  if (stored instanceof StoredRow) return ['row', key]
  return typeof stored === 'string' ? ['set', key, stored] : ['bytes', key, Buffer.from(stored).toString('base64')]
}

function toEffect([type, key = '', value = '']: readonly string[]): LoggedEffect {
  switch (type) {
    case 'set':
      return { type, key, stored: value }
    case 'bytes':
      return { type: 'set', key, stored: Buffer.from(value, 'base64') }
    case 'delete':
    case 'row':
      return { type, key }
    case 'clear':
      return { type }
    default:
      throw new Error(`The log of changes has an effect "${type}", which this version of durabledict does not know.`)
  }
}

/**
 * What happened between `base` and the state that the rows of the log, those behind `base`, lead to: that of `head`, or a later
 * one, which was committed before they were read. `base` must be found in the history by its nonce, and no commit up to `head` may
 * be missing: else what happened is not known, or the database was restored.
 */
export function interpret(base: Version, head: VersionParts, rows: readonly SqlRow[]): Past {
  const from = parseVersion(base)
  if (!from || from.epoch !== head.epoch || from.number >= head.number) return { type: 'tooOld', diverged: true }
  if (Number(rows[0]?.number) !== from.number + 1) return { type: 'tooOld', diverged: false }
  if (rows[0]?.previous !== from.nonce) return { type: 'tooOld', diverged: true }
  const chained = chain(from, rows)
  const present = chained.find(row => Number(row.number) === head.number)
  // What lies behind the head without a link to it was left there by a history that is no more.
  if (present?.nonce !== head.nonce) return { type: 'tooOld', diverged: false }
  return { type: 'changes', changes: chained.map(row => toChange(row, head.epoch)) }
}

/** The rows up to the first that does not follow the one before. */
function chain({ number, nonce }: VersionParts, rows: readonly SqlRow[]): readonly SqlRow[] {
  const end = rows.findIndex(
    (row, index) =>
      Number(row.number) !== number + 1 + index || row.previous !== (index === 0 ? nonce : rows[index - 1]?.nonce),
  )
  return end < 0 ? rows : rows.slice(0, end)
}

function toChange({ number, nonce, previous, batch, effects }: SqlRow, epoch: string): LoggedChange {
  const at = Number(number)
  return {
    previous: toVersion(at - 1, epoch, String(previous)),
    version: toVersion(at, epoch, String(nonce)),
    id: String(batch),
    effects: effects === null ? undefined : (JSON.parse(String(effects)) as string[][]).map(toEffect),
  }
}

/** Whether a change of the past has touched the key; also where that is not known. */
export function touched(past: Past, since: Version, key: string): boolean {
  if (past.type !== 'changes') return true
  const start = past.changes.findIndex(({ previous }) => previous === since)
  if (start < 0) return true
  return past.changes
    .slice(start)
    .some(({ effects }) => effects === undefined || effects.some(one => concerns(one, key)))
}

function concerns(effect: LoggedEffect, key: string): boolean {
  return effect.type === 'row' ? effect.key === key : touches(effect, key)
}
