import type { Verb } from './verb.js'
import { get } from './verbs/get.js'
import { history } from './verbs/history.js'
import { ls } from './verbs/ls.js'
import { revert } from './verbs/revert.js'
import { set } from './verbs/set.js'
import { unset } from './verbs/unset.js'

/** All verbs, in the order of the help. */
export const VERBS: readonly Verb[] = [ls, get, set, unset, history, revert]
