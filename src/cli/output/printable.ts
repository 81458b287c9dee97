/**
 * Characters that may control a terminal or reorder what it shows: C0, DEL, C1, line separators, and marks that change the direction of
 * text or are invisible.
 */
const CONTROLS = /[\p{Cc}\p{Cf}\u2028\u2029\p{Cs}]/gu

/** Returns the text with an escape in place of each character that a terminal would not simply show. */
export function printable(text: string): string {
  return text.replaceAll(CONTROLS, escapeOf)
}

/** The same for messages of several lines. */
export function printableLines(text: string): string {
  return text.split('\n').map(printable).join('\n')
}

/** Returns JSON text for a terminal: the same value, with escapes in place of control characters. Line feeds between members stay. */
export function printableJson(json: string): string {
  return json.replaceAll(CONTROLS, character => (character === '\n' ? character : escapeOf(character)))
}

/** As in JSON: `\u001b`, and two of them for characters beyond the first 65,536. */
function escapeOf(character: string): string {
  return Array.from({ length: character.length }, (_, index) => {
    return `\\u${character.charCodeAt(index).toString(16).padStart(4, '0')}`
  }).join('')
}
