// @ts-check
/** @import { Call } from './call.js' */
import fc from 'fast-check'
import { failed } from '../expect.js'

const LONG_KEY = "'x'.repeat(513)"

/** Wrong calls of a dictionary `d`, and what they reject with. @type {readonly (readonly [code: string, error: string])[]} */
const MISUSES = [
  ["d.get('')", 'InvalidKeyError'],
  ['d.get(1)', 'InvalidKeyError'],
  [`d.getOrThrow(${LONG_KEY})`, 'InvalidKeyError'],
  ["d.has('\\ud800')", 'InvalidKeyError'],
  [`d.set(${LONG_KEY}, 1)`, 'InvalidKeyError'],
  ["d.delete('')", 'InvalidKeyError'],
  ['d.pop(null)', 'InvalidKeyError'],
  ["d.setDefault('', 1)", 'InvalidKeyError'],
  ["d.update([['', 1]])", 'InvalidKeyError'],
  ["d.touch('')", 'InvalidKeyError'],
  ["d.transact(tx => tx.get(''))", 'InvalidKeyError'],
  ["d.transact(tx => tx.set('', 1))", 'InvalidKeyError'],
  ["d.derive(() => 1, { keys: [''] })", 'InvalidKeyError'],
  ["d.watch({ key: '' })", 'InvalidKeyError'],
  ["d.history({ key: '' })", 'InvalidKeyError'],
  ["d.set('a', 1, { nope: 1 })", 'TypeError'],
  ["d.set('a', 1, null)", 'TypeError'],
  ["d.set('a', 1, { by: '' })", 'TypeError'],
  ["d.set('a', 1, { by: 'x'.repeat(257) })", 'TypeError'],
  ["d.set('a', 1, { reason: 'nul\\0' })", 'TypeError'],
  ["d.set('a', 1, { everywhere: 'yes' })", 'TypeError'],
  ["d.delete('a', { everywhere: { timeout: 0 } })", 'TypeError'],
  ['d.clear({ everywhere: { onProgress: 1 } })', 'TypeError'],
  ['d.update(5)', 'TypeError'],
  ["d.update(['ab'])", 'TypeError'],
  ["d.update([['a']])", 'TypeError'],
  ['d.update(Promise.resolve({}))', 'TypeError'],
  ['d.transact()', 'TypeError'],
  ['d.transact(() => 1, { retries: -1 })', 'TypeError'],
  ['d.transact(() => 1, { timeout: 0 })', 'TypeError'],
  ["d.transact(tx => tx.set('a', undefined))", 'TypeError'],
  ["leak(d).then(tx => tx.get('a'))", 'TypeError'],
  ['d.watch({ nope: 1 })', 'TypeError'],
  ['d.watch({ signal: {} })', 'TypeError'],
  ["d.on('nope', () => {})", 'TypeError'],
  ["d.on('change', 1)", 'TypeError'],
  ["d.off('nope', () => {})", 'TypeError'],
  ['d.derive(1)', 'TypeError'],
  ["d.derive(() => 1, { keys: 'a' })", 'TypeError'],
  ['d.as({ by: 1 })', 'TypeError'],
  ["d.as({ nope: 'x' })", 'TypeError'],
  ['d.history({ limit: 0 })', 'TypeError'],
  ['d.history({ before: 1 })', 'TypeError'],
  ['d.history.forget({})', 'TypeError'],
  ["d.history.forget({ by: '' })", 'TypeError'],
  ["d.revert('')", 'TypeError'],
  ["d.revert('1-x', { keys: 'a' })", 'TypeError'],
  ["d.revert('1-x', { force: 1 })", 'TypeError'],
  ["d.revert('1-x')", 'HistoryError'],
  ["d.at('')", 'TypeError'],
  ['d.at(new Date(NaN))', 'TypeError'],
  ["d.at('nope')", 'HistoryError'],
  ["d.history({ before: 'nope' }).next()", 'HistoryError'],
  ["d.history({ signal: AbortSignal.abort(new Error('stop')) }).next()", 'stop'],
]

/** @type {Call[]} */
export const misuses = [
  {
    name: 'misuse',
    weight: 4,
    fields: { misuse: fc.nat({ max: MISUSES.length - 1 }) },
    code: (dict, { misuse }) => /** @type {readonly [string, string]} */ (MISUSES[misuse])[0].replace(/\bd\b/g, dict),
    spec(world, { misuse }, { slot, isClosing }, outcome) {
      const [, error] = /** @type {readonly [string, string]} */ (MISUSES[misuse])
      if (failed(outcome, error)) return [world.uncertain(slot.name)]
      if ((!slot.open || isClosing) && failed(outcome, 'ClosedError')) return [world]
      return slot.readOnly && failed(outcome, 'UnsupportedError') ? [world] : []
    },
  },
]
