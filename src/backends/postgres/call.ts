import type { Batch } from '../../contract/backend.js'
import { noteOf, notesWorthKeeping } from '../../contract/history.js'
import { builtin } from '../../process/builtin.js'
import { escapeText } from '../sql/escape.js'
import { notesText } from '../sql/log/notes.js'
import { newNonce, parseVersion } from '../sql/version.js'
import { attributionOf, type RequestOptions, requestOf } from './request.js'
import type { Statements } from './statements.js'
import { type Stored, toColumns } from './stored-form.js'

/** Longer values are left to the function for all batches, which knows the limits of the log. In characters. */
const LONGEST = 1024 * 1024

/** The statement that commits a batch. Most batches are one value of one key, which has a function of its own. */
export function commitCall(batch: Batch<Stored>, options: RequestOptions, statements: Statements): string {
  const nonce = newNonce()
  const request = requestOf(batch, nonce, options)
  const single = batch.acknowledge ? undefined : singleValue(batch, options)
  if (!single) {
    const call = statements.commit(batch.acknowledge ? 'everywhere' : 'commit', [literal(request)])
    return `${limited(options.limit)}; ${call}`
  }
  const { dictionary, form, wait, seen } = options
  const { key, value, by, reason, via } = single
  const { json, encoded } = toColumns(value, form)
  const text = encoded ?? value
  const note = noteOf({ by, reason, via }, 1)
  const place = parseVersion(seen)
  return statements.commit('set', [
    ...[dictionary, key, json, encoded].map(literal),
    literal(encoded === null ? `{"json":${value}}` : JSON.stringify(encoded)),
    literal(JSON.stringify([['set', key, text]])),
    ...[notesText(notesWorthKeeping([note])), by, reason, via ?? 'library', batch.id, nonce].map(literal),
    ...[`${Math.max(1, Math.round(wait))}`, place?.epoch, `${place?.number ?? -1}`, request].map(literal),
  ])
}

/** The key, as the tables have it, the value and the author of a batch that does nothing else. */
function singleValue({ groups }: Batch<Stored>, { form, isRetry, since, seen }: RequestOptions) {
  const [group] = groups
  if (!group || groups.length > 1 || isRetry || since !== seen) return undefined
  const { conditions, operations } = group
  const [operation] = operations
  if (operation?.type !== 'set' || operations.length > 1 || conditions.length > 0) return undefined
  const { key, stored } = operation
  if (typeof stored !== 'string' || stored.length > LONGEST) return undefined
  return { key: escapeText(key, form.unsafe), value: stored, ...attributionOf(group, form) }
}

/** A text that no setting of the connection changes. */
function literal(text: string | null | undefined): string {
  if (text === null || text === undefined) return 'NULL'
  const tag = `$d${builtin.crypto.randomBytes(8).toString('hex')}$`
  return `${tag}${text}${tag}`
}

/** Ends a statement that takes longer than anybody waits for it, unless the connection has a lower limit. */
function limited(ms: number): string {
  const most = Math.max(1, Math.round(ms))
  return (
    `SELECT set_config('statement_timeout', (CASE WHEN own > 0 AND own < ${most} THEN own ELSE ${most} END)::text, true) ` +
    `FROM (SELECT (date_part('epoch', current_setting('statement_timeout')::interval) * 1000)::bigint AS own) of_session`
  )
}
