// @ts-check
/** @import { History, Loss, Operation, Violation } from '../types.js' */
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
 * A store that lost the recorded bound with its data binds no write until the dictionaries with the bound have checked
 * again.
 * @param {readonly Loss[]} losses @returns {(write: Step, read: Step) => boolean}
 */
const excusedBy = losses => (write, read) =>
  losses.some(({ keys, begin, end }) => keys === undefined && begin <= write.end && read.from <= end)

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
 * @param {Pick<History, 'operations' | 'losses' | 'store'>} history
 * @returns {{ violations: Violation[], undecided: string[] }}
 */
export function checkRegisters({ operations, losses, store }) {
  const violations = []
  const undecided = []
  for (const [key, own] of byKey(operations)) {
    const all = store ? [...own, lastRead(key, store)] : own
    const answer = judge(key, all, losses)
    if (answer === 'no') violations.push(violation(key, all, losses))
    else if (answer === 'undecided') undecided.push(key)
  }
  return { violations, undecided }
}

/** @param {string} key @param {readonly Operation[]} operations @param {readonly Loss[]} losses */
export function judge(key, operations, losses) {
  return linearizable(stepsOf(key, operations, losses), excusedBy(losses)).answer
}

/** The stored value in the end. @param {string} key @param {NonNullable<History['store']>} store @returns {Operation} */
function lastRead(key, { at, entries }) {
  const times = { begin: at, end: at }
  return { id: 'end', session: 'store', kind: 'read', key, ...times, outcome: 'done', result: entries[key] }
}

/** @param {string} key @param {readonly Operation[]} operations @param {readonly Loss[]} losses @returns {Violation} */
function violation(key, operations, losses) {
  const fails = (/** @type {readonly Operation[]} */ some) => some.length > 0 && judge(key, some, losses) === 'no'
  const special = RULES.find(([, simplify]) => !fails(simplify(operations)))
  const rule = special?.[0] ?? 'each key is linearizable'
  const shortest = shrink(operations, fails)
  const struck = losses.filter(({ keys }) => keys === undefined || keys.includes(key))
  const lost = struck.map(({ kind, begin, entries }) => `${kind} at ${begin.toFixed(1)} left ${entries[key]}`)
  const text = `No order explains the operations on ${key}.${lost.length > 0 ? ` Losses: ${lost.join('; ')}.` : ''}`
  return { rule, text, operations: shortest }
}
