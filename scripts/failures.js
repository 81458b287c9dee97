// @ts-check
import { readFile } from 'node:fs/promises'
import { stripVTControlCharacters } from 'node:util'

/**
 * What failed: its place, such as a test's lane, file and name, and what went wrong.
 * @typedef {{ where: string, message: string }} Failure
 */

/** Those who see only the end of the output see each failure. */
const LINES = 20
const LINES_OF_EACH = 12
const COLUMNS = 200

/** @param {string} line */
const shortened = line => (line.length > COLUMNS ? `${line.slice(0, COLUMNS - 1)}…` : line)

/** @param {string} message */
const linesOf = message =>
  stripVTControlCharacters(message)
    .split('\n')
    .filter(line => line.trim() !== '')

/** What the reporter wrote, or nothing if the tests did not end. @param {string} path @returns {Promise<Failure[]>} */
export async function failuresIn(path) {
  return JSON.parse(await readFile(path, 'utf8').catch(() => '[]'))
}

/** The end of what a step printed, where most tools name the error. @param {string} name @param {string} output */
export function failureOf(name, output) {
  return { where: name, message: linesOf(output).slice(-LINES_OF_EACH).join('\n') }
}

/** The failures in at most 20 lines: the more there are, the fewer lines of each message. @param {Failure[]} failures */
export function listed(failures) {
  const shown = failures.slice(0, failures.length > LINES ? LINES - 1 : LINES)
  const each = Math.min(LINES_OF_EACH, Math.floor(LINES / Math.max(1, shown.length)) - 1)
  const lines = shown.flatMap(({ where, message }) => [
    `✗ ${where.replaceAll('\n', ' ')}`,
    ...linesOf(message)
      .slice(0, Math.max(0, each))
      .map(line => `    ${line}`),
  ])
  const rest = failures.length - shown.length
  return [...lines.map(shortened), ...(rest > 0 ? [`and ${rest} more`] : [])]
}
