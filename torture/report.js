// @ts-check
/** @import { Operation, Violation } from './types.js' */

/** Limits of the violations to report, and of the operations of each. */
const VIOLATIONS = 4
const OPERATIONS = 40

/** Reports the violated rules, with their histories. @param {readonly Violation[]} violations */
export function report(violations) {
  const lines = violations.slice(0, VIOLATIONS).flatMap(({ rule, text, operations }) => {
    const shown = operations.slice(-OPERATIONS)
    const start = shown[0]?.begin ?? 0
    const left = operations.length - shown.length
    const before = left > 0 ? [`    (${left} operations before)`] : []
    return ['', `Not held: ${rule}.`, `  ${text}`, ...before, ...shown.map(one => `    ${lineOf(one, start)}`)]
  })
  if (violations.length > VIOLATIONS) lines.push('', `and ${violations.length - VIOLATIONS} more.`)
  return lines.join('\n')
}

/** @param {Operation} operation @param {number} start */
function lineOf(operation, start) {
  const { session, kind, key, begin, end, outcome, value, result, expected, bound, everywhere } = operation
  const time = `${(begin - start).toFixed(1)} to ${end === Number.POSITIVE_INFINITY ? '?' : (end - start).toFixed(1)}`
  const members = { value, expected, result, bound, everywhere }
  const details = Object.entries(members).flatMap(([name, one]) => (one === undefined ? [] : [`${name} ${one}`]))
  return `${time.padEnd(20)} ${session.padEnd(8)} ${kind} ${key} ${outcome} ${details.join(', ')}`
}
