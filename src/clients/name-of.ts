/** What a thing is called in a message that says it is the wrong one: 'null', 'Map', 'string'. */
export function nameOf(thing: unknown): string {
  if (thing === null) return 'null'
  return typeof thing === 'object' ? (thing.constructor?.name ?? 'an object') : typeof thing
}
