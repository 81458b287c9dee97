import type { Group } from '../../../contract/backend.js'
import { StoredRow } from '../table/stored.js'

/** Shorter texts are ignored: they occur in ordinary words. */
const SHORTEST = 4

/** The texts that a group writes, as a trigger or a hook may put them into its message. */
export function textsOf({ operations }: Group<unknown>): string[] {
  return operations.flatMap(operation => ('stored' in operation ? textsIn(operation.stored) : []))
}

/** The message without these texts. */
export function withoutValues(message: string, texts: readonly string[]): string {
  return texts
    .filter(text => text.length >= SHORTEST)
    .sort((one, other) => other.length - one.length)
    .reduce((left, text) => left.replaceAll(text, '…'), message)
}

function textsIn(stored: unknown): string[] {
  if (stored instanceof StoredRow) return Object.values(stored.columns).flatMap(textsIn)
  return typeof stored === 'string' ? [stored, ...plain(stored)] : []
}

/** Text in JSON also without its quotes. */
function plain(stored: string): string[] {
  if (!stored.startsWith('"')) return []
  try {
    return [String(JSON.parse(stored))]
  } catch {
    return []
  }
}
