// @ts-check
/** @import { Operation } from '../types.js' */

/** How often the check may be repeated. */
const ATTEMPTS = 400

/**
 * A shorter history of one key that still cannot be explained. It omits only what cannot invalidate a valid history:
 * later operations, reads, and values together with the operations that found them.
 * @param {readonly Operation[]} operations
 * @param {(operations: readonly Operation[]) => boolean} fails
 * @returns {readonly Operation[]}
 */
export function shrink(operations, fails) {
  let attempts = ATTEMPTS
  const stillFails = (/** @type {readonly Operation[]} */ some) => {
    attempts -= 1
    return attempts > 0 && fails(some)
  }
  const sorted = [...operations].sort((left, right) => left.end - right.end)
  const early = cutEnd(sorted, stillFails)
  const chains = removable(early)
  return withoutAll(early, chains, stillFails).sort((left, right) => left.begin - right.begin)
}

/** @param {Operation} operation */
const isRead = ({ kind }) => kind === 'read' || kind === 'has'

/** The operations before that time. @param {readonly Operation[]} operations @param {number} time @returns {Operation[]} */
function until(operations, time) {
  return operations
    .filter(one => one.begin <= time && (one.end <= time || !isRead(one)))
    .map(one => (one.end <= time ? one : { ...one, end: Number.POSITIVE_INFINITY, outcome: unanswered(one) }))
}

/** @param {Operation} operation */
const unanswered = ({ outcome }) => (outcome === 'none' ? 'none' : 'unknown')

/** The shortest beginning that fails. @param {readonly Operation[]} operations @param {(some: readonly Operation[]) => boolean} fails */
function cutEnd(operations, fails) {
  let [short, long] = [0, operations.length]
  while (short + 1 < long) {
    const middle = Math.floor((short + long) / 2)
    const time = operations[middle - 1]?.end ?? 0
    if (fails(until(operations, time))) long = middle
    else short = middle
  }
  const cut = until(operations, operations[long - 1]?.end ?? 0)
  return fails(cut) ? cut : [...operations]
}

/** The kinds whose result depends on whether there was any value. */
const PRESENCE = ['delete', 'setDefault', 'has']

/** Sets of operations that may be omitted together. @param {readonly Operation[]} operations @returns {Operation[][]} */
function removable(operations) {
  const reads = operations.filter(isRead).map(one => [one])
  // If an operation found nothing, or an unknown value, every earlier value counts.
  const counts = operations.some(one => PRESENCE.includes(one.kind) || foundNothing(one))
  if (counts) return reads
  const values = operations.filter(({ kind }) => kind === 'set' || kind === 'update')
  return [...values.map(one => chain(one, operations)), ...reads]
}

/** @param {Operation} operation */
function foundNothing({ kind, result, expected, outcome }) {
  if (kind === 'transact') return expected === undefined
  return outcome === 'done' && (kind === 'read' || kind === 'pop') && result === undefined
}

/** A write, the operations that found its value, and so on. @param {Operation} write @param {readonly Operation[]} operations */
function chain(write, operations) {
  const found = [write]
  for (const { value, kind } of found) {
    if (value === undefined || kind === 'read') continue
    found.push(...operations.filter(one => !found.includes(one) && (one.result === value || one.expected === value)))
  }
  return found
}

/** @param {readonly Operation[]} operations @param {Operation[][]} chains @param {(some: readonly Operation[]) => boolean} fails */
function withoutAll(operations, chains, fails) {
  let left = [...operations]
  for (let size = Math.max(1, chains.length >> 1); size >= 1; size >>= 1) {
    for (let at = 0; at < chains.length; at += size) {
      const gone = new Set(chains.slice(at, at + size).flat())
      const fewer = left.filter(one => !gone.has(one))
      if (fewer.length < left.length && fails(fewer)) left = fewer
    }
  }
  return left
}
