// @ts-check
import { createHash } from 'node:crypto'

/** A short text that is the same for the same entries, in whatever order. @param {Iterable<[string, unknown]>} entries */
export function digest(entries) {
  const lines = Array.from(entries, entry => JSON.stringify(entry)).sort()
  return `${lines.length}-${createHash('sha256').update(lines.join('\n')).digest('hex')}`
}
