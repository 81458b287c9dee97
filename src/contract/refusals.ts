import type { Backend } from './backend.js'

/** The longest chain of causes that is searched. */
const MAX_CAUSES = 16

/** Whether one of the errors says that the store answered, and will not answer otherwise later. */
export function isRefusedBy(source: Pick<Backend<unknown>, 'refuses'>, error: unknown): boolean {
  for (let cause = error, depth = 0; cause !== undefined && depth < MAX_CAUSES; depth += 1) {
    if (source.refuses?.(cause)) return true
    cause = (cause as { cause?: unknown } | null)?.cause
  }
  return false
}
