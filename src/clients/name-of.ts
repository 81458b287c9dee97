/** Names a value for a message that rejects it: 'null', 'Map', 'string'. */
export function nameOf(thing: unknown): string {
  if (thing === null) return 'null'
  return typeof thing === 'object' ? (thing.constructor?.name ?? 'an object') : typeof thing
}
