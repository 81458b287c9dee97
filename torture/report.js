// @ts-check
/** @import { Operation, Recovery, Violation } from './types.js' */

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

/** How long it took to recover from each kind of fault. @param {readonly Recovery[]} recoveries */
export function recoveryTimes(recoveries) {
  const kinds = [...new Set(recoveries.map(({ kind }) => kind))].sort()
  const rows = kinds.map(kind => {
    const times = recoveries.filter(one => one.kind === kind).map(({ ms }) => ms)
    const sorted = times.sort((left, right) => left - right)
    const [median = 0, slowest = 0] = [sorted[sorted.length >> 1], sorted.at(-1)]
    return [
      kind.padEnd(46),
      ...[sorted.length, Math.round(median), Math.round(slowest)].map(one => `${one}`.padStart(9)),
    ]
  })
  const head = ['recovery, in ms'.padEnd(46), ...['times', 'median', 'slowest'].map(one => one.padStart(9))]
  return ['', ...[head, ...rows].map(row => row.join(' '))].join('\n')
}

/** @param {Operation} operation @param {number} start */
function lineOf(operation, start) {
  const { session, kind, key, begin, end, outcome, value, result, expected, bound, everywhere } = operation
  const time = `${(begin - start).toFixed(1)} to ${end === Number.POSITIVE_INFINITY ? '?' : (end - start).toFixed(1)}`
  const members = { value, expected, result, bound, everywhere }
  const details = Object.entries(members).flatMap(([name, one]) => (one === undefined ? [] : [`${name} ${one}`]))
  return `${time.padEnd(20)} ${session.padEnd(8)} ${kind} ${key} ${outcome} ${details.join(', ')}`
}
