/** An open bracket of the text. Objects have the names of their members so far. */
interface Frame {
  readonly names: Set<string> | undefined
  /** The member that is being read. */
  name: string | undefined
}

/**
 * Returns the names that lead to the first member that an object of the text has twice, or `undefined`. `JSON.parse` keeps only the last of
 * two members, and says nothing.
 *
 * @param json - must be valid JSON.
 */
export function repeatedMember(json: string): readonly string[] | undefined {
  const frames: Frame[] = []
  for (let at = 0; at < json.length; at += 1) {
    const frame = frames.at(-1)
    const character = json[at]
    if (character === '{') frames.push({ names: new Set(), name: undefined })
    else if (character === '[') frames.push({ names: undefined, name: undefined })
    else if (character === '}' || character === ']') frames.pop()
    else if (character === ',' && frame) frame.name = undefined
    else if (character === '"') {
      const end = endOfString(json, at)
      if (frame?.names && frame.name === undefined) {
        frame.name = JSON.parse(json.slice(at, end + 1)) as string
        if (frame.names.has(frame.name)) return frames.flatMap(({ name }) => name ?? [])
        frame.names.add(frame.name)
      }
      at = end
    }
  }
  return undefined
}

/** Returns the position of the quote that ends the string. */
function endOfString(json: string, start: number): number {
  for (let end = json.indexOf('"', start + 1); ; end = json.indexOf('"', end + 1)) {
    let escapes = 0
    while (json[end - 1 - escapes] === '\\') escapes += 1
    if (escapes % 2 === 0) return end
  }
}
