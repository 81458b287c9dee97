/** Whether two stored forms are the same: text by its characters, bytes by their contents, else by identity. */
export function sameStored(left: unknown, right: unknown): boolean {
  if (Object.is(left, right)) return true
  return left instanceof Uint8Array && right instanceof Uint8Array && Buffer.compare(left, right) === 0
}
