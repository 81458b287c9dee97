import type { LoggedEffect } from '../../sql/log/change-log.js'
import { fits } from '../../sql/statement-size.js'
import type { Stored } from '../table/stored.js'
import { LOG_BYTES } from './tables.js'

/**
 * As text for the log; `null` if it is too much.
 *
 * @param largest - the most that a statement can take, in bytes.
 */
export function serialize(effects: readonly LoggedEffect<Stored>[], largest: number): string | null {
  const text = JSON.stringify(effects.map(toTuple))
  return text.length > LOG_BYTES || !fits(text, largest) ? null : text
}

function toTuple(effect: LoggedEffect<Stored>): readonly string[] {
  if (effect.type === 'clear') return ['clear']
  if (effect.type !== 'set') return [effect.type, effect.key]
  const { key, stored } = effect
  if (typeof stored === 'string') return ['set', key, stored]
  // What only the row can say is read from there.
  return stored instanceof Uint8Array ? ['bytes', key, Buffer.from(stored).toString('base64')] : ['row', key]
}
