import type { Change, Version } from '../../contract/backend.js'
import { StoreUnavailableError, UnsupportedError } from '../../errors/errors.js'
import { unescapeKey, unescapeText } from '../sql/escape.js'
import { interpret, type LoggedChange, type Past } from '../sql/log/change-log.js'
import type { SqlRow } from '../sql/sql-session.js'
import { isToken, toCount } from '../sql/stored-tokens.js'
import { toVersion, type VersionParts } from '../sql/version.js'
import type { Cells } from './clients/client.js'
import { APART } from './limits.js'
import type { Stored } from './stored-form.js'

/** Where a dictionary's history is. */
export interface Head extends VersionParts {
  readonly version: string
  /** In ms. */
  readonly bound: number
}

/** The layout of the tables that this release reads and writes. */
const FORMAT = 1

/**
 * Reads the first columns of an answer: format, epoch, number, nonce, bound. `undefined`: there is no head.
 *
 * @throws StoreUnavailableError for a later format.
 */
export function readHead(rows: readonly Cells[], dictionary: string): Head | 'malformed' | undefined {
  const [row] = rows
  if (!row) return undefined
  const [format, epoch, number, nonce, bound] = row
  const layout = toCount(format)
  if (layout !== undefined && layout > FORMAT) throw laterFormat(layout, dictionary)
  const [count, ms] = [toCount(number), Number(bound)]
  if (layout !== FORMAT || count === undefined || !isToken(epoch) || !isToken(nonce)) return 'malformed'
  const version = toVersion(count, epoch, nonce)
  return { number: count, epoch, nonce, version, bound: ms >= 0 && ms < 2 ** 31 ? ms : 0 }
}

/** Reads the changes of an answer: what `durabledict_since_1` returns. */
export function readPast(text: string | null, since: Version, head: Head, unsafe: RegExp): Past {
  const list = JSON.parse(text ?? '[]') as readonly Cells[]
  const past = interpret(since, head, 'durabledict_changes', list.map(toRow))
  if (past.type !== 'changes') return past
  const unescaped: LoggedChange[] = []
  for (const change of past.changes) {
    const effects = change.effects?.map(effect => unescapedEffect(effect as LoggedEffect, unsafe))
    if (effects?.includes(undefined)) return { type: 'tooOld', diverged: true, damage: damageOf(change) }
    const [id = change.id] = change.id.split(APART)
    unescaped.push({ ...change, id, effects: effects as LoggedChange['effects'], ...notesOf(change) })
  }
  return { type: 'changes', changes: unescaped }
}

type LoggedEffect = Change<Stored>['effects'][number] | { readonly type: 'row'; readonly key: string }

function damageOf({ version }: LoggedChange): string {
  return `change ${String(version).split('-')[0]} in the table durabledict_changes`
}

function toRow([number, nonce, previous, batch, effects, notes]: Cells): SqlRow {
  return { number, nonce, previous, batch, effects, notes }
}

/** `undefined` if its key is none. */
function unescapedEffect(effect: LoggedEffect, unsafe: RegExp): LoggedEffect | undefined {
  if (effect.type === 'clear') return effect
  const key = unescapeKey(effect.key, unsafe)
  if (key === undefined) return undefined
  if (effect.type !== 'set') return { ...effect, key }
  return { ...effect, key, stored: typeof effect.stored === 'string' ? unescapeText(effect.stored) : effect.stored }
}

function notesOf({ notes }: LoggedChange): Pick<LoggedChange, 'notes'> {
  if (!notes) return {}
  const plain = (text: string | undefined) => (text === undefined ? undefined : unescapeText(text))
  return { notes: notes.map(note => ({ ...note, by: plain(note.by), reason: plain(note.reason) })) }
}

function laterFormat(format: number, dictionary: string): StoreUnavailableError {
  return new StoreUnavailableError(
    `The tables of dictionary "${dictionary}" have format ${format}, which this version of durabledict does not know. Update durabledict.`,
    { dictionary },
  )
}

/** @throws UnsupportedError if the connection would lose or change text. */
export function checkEncoding(encoding: string | null | undefined, dictionary: string): void {
  if (encoding === 'UTF8') return
  throw new UnsupportedError(
    `A connection of dictionary "${dictionary}" cannot be used: its client_encoding is ${encoding}, which cannot hold all text; set it to ` +
      'UTF8. Nothing was read or written.',
    { dictionary },
  )
}
