// @ts-check
/** @import { Loss, Operation, Time } from '../types.js' */

/** Any state. */
export const ANY = Symbol('any')
/** Any value. */
export const PRESENT = Symbol('present')
/** The present state stays. */
export const KEEP = Symbol('keep')

/** @typedef {string | undefined | typeof ANY | typeof PRESENT} Expected */

/**
 * The effect of one operation on one key: if the register has the expected state, the step leaves another one.
 * @typedef {object} Step
 * @property {Expected} expects `undefined`: no value
 * @property {string | undefined | typeof KEEP} leaves
 * @property {Time} from it takes effect at or after this
 * @property {Time} begin
 * @property {Time} end it took effect at or before this
 * @property {boolean} optional it may never have taken effect
 * @property {boolean} everywhere every read that begins after its end must see it
 * @property {number} bound of a read: within which it may be served from memory, else 0
 * @property {Operation | Loss} source
 */

/** @param {Operation} operation @returns {Pick<Step, 'expects' | 'leaves'>} */
function knownEffect({ kind, value, result, expected }) {
  switch (kind) {
    case 'read':
      return { expects: /** @type {string | undefined} */ (result), leaves: KEEP }
    case 'has':
      return { expects: result === true ? PRESENT : undefined, leaves: KEEP }
    case 'delete':
      return result === true ? { expects: PRESENT, leaves: undefined } : { expects: undefined, leaves: KEEP }
    case 'pop':
      return { expects: /** @type {string | undefined} */ (result), leaves: undefined }
    case 'setDefault':
      if (result === value) return { expects: undefined, leaves: value }
      return { expects: /** @type {string} */ (result), leaves: KEEP }
    case 'transact':
      return { expects: expected, leaves: value }
    default:
      return { expects: ANY, leaves: value }
  }
}

/** Its effect, if it has any. @param {Operation} operation @returns {Pick<Step, 'expects' | 'leaves'>} */
function unknownEffect({ kind, value, expected }) {
  if (kind === 'delete' || kind === 'pop') return { expects: PRESENT, leaves: undefined }
  if (kind === 'setDefault') return { expects: undefined, leaves: value }
  return kind === 'transact' ? { expects: expected, leaves: value } : { expects: ANY, leaves: value }
}

/** @param {Operation} operation @returns {Step} */
function stepOf(operation) {
  const { begin, end, outcome, everywhere = false, bound = 0 } = operation
  const optional = outcome === 'unknown'
  const effect = optional ? unknownEffect(operation) : knownEffect(operation)
  const until = optional ? Number.POSITIVE_INFINITY : end
  return { ...effect, from: begin - bound, begin, end: until, optional, everywhere, bound, source: operation }
}

/** @param {string} key @param {Loss} loss @returns {Step} */
function lossOf(key, loss) {
  const { begin, end, entries } = loss
  const times = { from: begin, begin, end, bound: 0 }
  return { ...times, expects: ANY, leaves: entries[key], optional: false, everywhere: false, source: loss }
}

/**
 * The steps of a key.
 * @param {string} key @param {readonly Operation[]} operations those of the key @param {readonly Loss[]} losses
 */
export function stepsOf(key, operations, losses) {
  const first = Math.min(...operations.map(({ begin }) => begin))
  // What others did to this key alone may be how it began.
  const struck = losses.filter(({ keys, end }) => (keys ? keys.includes(key) : end >= first))
  const steps = operations.filter(({ outcome }) => outcome !== 'none').map(stepOf)
  const all = [...steps, ...struck.map(loss => lossOf(key, loss))]
  return withoutUnseen(all)
}

/**
 * A write that may never have taken effect, and whose value nobody found, explains nothing, unless a removal did not
 * report its value.
 * @param {Step[]} steps
 */
function withoutUnseen(steps) {
  if (steps.some(({ expects, optional }) => expects === PRESENT && !optional)) return steps
  /** @type {Set<unknown>} */
  const found = new Set(steps.map(({ expects }) => expects))
  return steps.filter(({ optional, leaves }) => !optional || leaves === undefined || found.has(leaves))
}
