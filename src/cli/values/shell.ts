const PLAIN = /^[A-Za-z0-9_@%+=:,./-]+$/
const CONTROLS = /[\p{Cc}\p{Cf}\u2028\u2029]/u

/**
 * Returns the word as a shell reads it. Bash, zsh and POSIX shells since 2024 read `$'…'`, which is used for words with control
 * characters only, so that these never reach a terminal.
 */
export function shellWord(word: string): string {
  if (PLAIN.test(word)) return word
  if (!CONTROLS.test(word)) return `'${word.replaceAll("'", `'\\''`)}'`
  return `$'${Array.from(word, escaped).join('')}'`
}

function escaped(character: string): string {
  if (character === "'" || character === '\\') return `\\${character}`
  if (!CONTROLS.test(character)) return character
  // Octal and by bytes: a digit that follows is not read as part of it.
  return Array.from(Buffer.from(character), byte => `\\${byte.toString(8).padStart(3, '0')}`).join('')
}

export function shellCommand(words: readonly string[]): string {
  return words.map(shellWord).join(' ')
}
