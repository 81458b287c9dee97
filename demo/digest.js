// @ts-check
import { createHash } from 'node:crypto'

/** A short text that is equal for equal entries, in any order. @param {Iterable<[string, unknown]>} entries */
export function digest(entries) {
  const lines = Array.from(entries, entry => JSON.stringify(entry)).sort()
  return `${lines.length}-${createHash('sha256').update(lines.join('\n')).digest('hex')}`
}
