// @ts-check
/** @import { History, Loss, Operation, Time, Violation } from '../types.js' */
/** @import { Step } from './steps.js' */
import { linearizable } from './linearizable.js'
import { shrink } from './shrink.js'
import { stepsOf } from './steps.js'

/** @param {readonly Operation[]} operations */
function byKey(operations) {
  /** @type {Map<string, Operation[]>} */
  const keys = new Map()
  for (const operation of operations) {
    const own = keys.get(operation.key)
    if (own) own.push(operation)
    else keys.set(operation.key, [operation])
  }
  return keys
}

/**
 * A store that lost its data has lost the recorded bounds too. A writer that was opened before still knows them; one that was
 * opened later binds nobody until the dictionaries with the bounds have checked again.
 * @param {readonly Loss[]} losses @param {History['opened']} [opened] @returns {(write: Step, read: Step) => boolean}
 */
const excusedBy = (losses, opened) => (write, read) =>
  losses.some(({ keys, begin, end }) => {
    const isAfter = begin <= write.end && read.from <= end
    return keys === undefined && isAfter && !wasOpen(write, begin, opened)
  })

/** @param {Step} write @param {Time} at @param {History['opened']} [opened] */
function wasOpen({ source }, at, opened) {
  return 'session' in source && opened !== undefined && (opened[source.session] ?? at) < at
}

/**
 * The rules for a key's history, the more special first. @type {[rule: string, simplify: (operations: readonly
 * Operation[]) => Operation[]][]}
 */
const RULES = [
  ['no read older than a write that was everywhere', all => all.map(one => ({ ...one, everywhere: false }))],
  ['no read from memory older than its bound', all => all.filter(({ kind, bound }) => kind !== 'read' || !bound)],
]

/**
 * Each key is linearizable: its writes and checked reads take effect at one moment between call and response; reads of
 * memory within their bound; none before a write that was everywhere. An operation in doubt may take effect at any
 * later time, or never.
 * @param {Pick<History, 'operations' | 'losses' | 'store'> & Partial<Pick<History, 'opened'>>} history
 * @returns {{ violations: Violation[], undecided: string[] }}
 */
export function checkRegisters({ operations, losses, store, opened }) {
  const violations = []
  const undecided = []
  for (const [key, own] of byKey(operations)) {
    const all = store ? [...own, lastRead(key, store)] : own
    const answer = judge(key, all, losses, opened)
    if (answer === 'no') violations.push(violation(key, all, losses, opened))
    else if (answer === 'undecided') undecided.push(key)
  }
  return { violations, undecided }
}

/** @param {string} key @param {readonly Operation[]} operations @param {readonly Loss[]} losses @param {History['opened']} [opened] */
export function judge(key, operations, losses, opened) {
  return linearizable(stepsOf(key, operations, losses), excusedBy(losses, opened)).answer
}

/** The stored value in the end. @param {string} key @param {NonNullable<History['store']>} store @returns {Operation} */
function lastRead(key, { at, entries }) {
  const times = { begin: at, end: at }
  return { id: 'end', session: 'store', kind: 'read', key, ...times, outcome: 'done', result: entries[key] }
}

/**
 * @param {string} key @param {readonly Operation[]} operations @param {readonly Loss[]} losses @param {History['opened']} [opened]
 * @returns {Violation}
 */
function violation(key, operations, losses, opened) {
  const fails = (/** @type {readonly Operation[]} */ some) =>
    some.length > 0 && judge(key, some, losses, opened) === 'no'
  const special = RULES.find(([, simplify]) => !fails(simplify(operations)))
  const rule = special?.[0] ?? 'each key is linearizable'
  const shortest = shrink(operations, fails)
  const struck = losses.filter(({ keys }) => keys === undefined || keys.includes(key))
  const lost = struck.map(({ kind, begin, entries }) => `${kind} at ${begin.toFixed(1)} left ${entries[key]}`)
  const text = `No order explains the operations on ${key}.${lost.length > 0 ? ` Losses: ${lost.join('; ')}.` : ''}`
  return { rule, text, operations: shortest }
}
