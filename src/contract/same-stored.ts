/** A stored form, of stores inside this process and of rows, that says itself what it is the same as. */
interface Comparable {
  equals(other: unknown): boolean
}

/** Whether two stored forms are the same: text by its characters, bytes by their contents, rows as they say, else by identity. */
export function sameStored(left: unknown, right: unknown): boolean {
  if (Object.is(left, right)) return true
  if (left instanceof Uint8Array) return right instanceof Uint8Array && Buffer.compare(left, right) === 0
  return isComparable(left) && left.equals(right)
}

function isComparable(stored: unknown): stored is Comparable {
  return typeof stored === 'object' && stored !== null && 'isStoredForm' in stored
}
