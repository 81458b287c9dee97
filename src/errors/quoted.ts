/** How much of a name a message shows, in characters. A key that an external writer stored may have any length. */
const MAX_LENGTH = 512

/** Returns a name, such as a key, for use in a message: shortened, with control characters escaped. */
export function quoted(name: string): string {
  return JSON.stringify(name.length > MAX_LENGTH ? `${name.slice(0, MAX_LENGTH)}…` : name)
}
