// @ts-check
/** @import { History, Violation } from '../types.js' */
import { checkRegisters } from './registers.js'
import * as rules from './rules.js'

/**
 * Checks a history against every guarantee.
 * @param {History} history
 * @returns {{ violations: Violation[], undecided: string[] }}
 */
export function check(history) {
  const { violations, undecided } = checkRegisters(history)
  const others = Object.values(rules).flatMap(rule => rule(history))
  return { violations: [...violations, ...others], undecided }
}
