import type { Effect, Version } from '../../../contract/backend.js'
import { touches } from '../../../contract/execute-group.js'
import type { CommitNote } from '../../../contract/history.js'
import type { SqlRow } from '../sql-session.js'
import { parseVersion, type VersionParts } from '../version.js'
import { type ChangeLink, readChange, readLink } from './change-record.js'

/** What the log says of one entry: what a change did, or that the row is to be read. */
export type LoggedEffect<S = string | Uint8Array> = Effect<S> | { readonly type: 'row'; readonly key: string }

/** One commit, as the log has it. */
export interface LoggedChange {
  readonly previous: Version
  readonly version: Version
  readonly id: string
  /** `undefined`: everything is to be read. */
  readonly effects: readonly LoggedEffect[] | undefined
  /** Whose effects these are, if anybody said so. */
  readonly notes?: readonly CommitNote[] | undefined
  /** Whether replicas are to acknowledge it. */
  readonly acknowledge?: boolean | undefined
}

/** What the log says of the time since a version. */
export type Past =
  | { readonly type: 'changes'; readonly changes: readonly LoggedChange[] }
  | { readonly type: 'tooOld'; readonly diverged: boolean; readonly damage?: string }

/**
 * What happened between `base` and the state that the rows of the log, those behind `base`, lead to: that of `head`, or a later
 * one, which was committed before they were read. `base` must be found in the history by its nonce, and no commit up to `head` may
 * be missing: else what happened is not known, or the database was restored.
 *
 * @param table - the name of the log, for reports of damage.
 */
export function interpret(base: Version, head: VersionParts, table: string, rows: readonly SqlRow[]): Past {
  const from = parseVersion(base)
  if (!from || from.epoch !== head.epoch || from.number >= head.number) return { type: 'tooOld', diverged: true }
  const links = rows.map(readLink)
  const [first] = links
  if (rows.length > 0 && !first) return damaged(table, from.number + 1)
  if (first?.number !== from.number + 1) return { type: 'tooOld', diverged: false }
  if (first.previous !== from.nonce) return { type: 'tooOld', diverged: true }
  const chained = chain(from, links)
  const present = chained.find(({ number }) => number === head.number)
  if (present?.nonce === head.nonce) return read(chained, head.epoch, table)
  // What lies behind the head without a link to it was left there by a history that is no more.
  const isDamaged = chained.length < links.length && links[chained.length] === undefined
  const last = from.number + chained.length
  return isDamaged && last < head.number ? damaged(table, last + 1) : { type: 'tooOld', diverged: false }
}

/** The records up to the first that does not follow the one before. */
function chain({ number, nonce }: VersionParts, links: readonly (ChangeLink | undefined)[]): readonly ChangeLink[] {
  const chained: ChangeLink[] = []
  for (const link of links) {
    const previous = chained.at(-1)?.nonce ?? nonce
    if (!link || link.number !== number + 1 + chained.length || link.previous !== previous) break
    chained.push(link)
  }
  return chained
}

function read(links: readonly ChangeLink[], epoch: string, table: string): Past {
  const changes: LoggedChange[] = []
  for (const link of links) {
    const change = readChange(link, epoch)
    if (!change) return damaged(table, link.number)
    changes.push(change)
  }
  return { type: 'changes', changes }
}

function damaged(table: string, number: number): Past {
  return { type: 'tooOld', diverged: true, damage: `change ${number} in the table ${table}` }
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
