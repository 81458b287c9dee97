// @ts-check
/** @import { History, Violation } from '../types.js' */

import { filesHoldStates } from './files.js'
import * as fleet from './fleet.js'
import { historyEqualsWrites } from './recorded.js'
import { checkRegisters } from './registers.js'
import * as rules from './rules.js'

const RULES = [...Object.values(rules), ...Object.values(fleet), filesHoldStates, historyEqualsWrites]

/**
 * Checks a history against every guarantee.
 * @param {History} history
 * @returns {{ violations: Violation[], undecided: string[] }}
 */
export function check(history) {
  const { violations, undecided } = checkRegisters(history)
  const others = RULES.flatMap(rule => rule(history))
  return { violations: [...violations, ...others], undecided }
}
