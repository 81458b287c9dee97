/** The longest part of a name that messages show, in characters: a key that others have stored may be of any length. */
const MAX_LENGTH = 512

/** A name, such as a key, as messages show it: bounded, with control characters escaped. */
export function quoted(name: string): string {
  return JSON.stringify(name.length > MAX_LENGTH ? `${name.slice(0, MAX_LENGTH)}…` : name)
}
