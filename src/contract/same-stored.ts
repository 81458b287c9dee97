/** A stored form that compares itself: those of stores inside this process, and rows. */
interface Comparable {
  equals(other: unknown): boolean
}

/** Whether two stored forms are the same: text and bytes by content, rows by their `equals`, everything else by identity. */
export function sameStored(left: unknown, right: unknown): boolean {
  if (Object.is(left, right)) return true
  if (left instanceof Uint8Array) return right instanceof Uint8Array && Buffer.compare(left, right) === 0
  return isComparable(left) && left.equals(right)
}

function isComparable(stored: unknown): stored is Comparable {
  return typeof stored === 'object' && stored !== null && 'isStoredForm' in stored
}
