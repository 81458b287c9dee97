import type { Verb } from './verb.js'
import { check } from './verbs/check.js'
import { completion } from './verbs/completion.js'
import { console } from './verbs/console.js'
import { diff } from './verbs/diff.js'
import { doctor } from './verbs/doctor.js'
import { exportVerb } from './verbs/export.js'
import { get } from './verbs/get.js'
import { history } from './verbs/history.js'
import { importVerb } from './verbs/import.js'
import { ls } from './verbs/ls.js'
import { replicas } from './verbs/replicas.js'
import { revert } from './verbs/revert.js'
import { set } from './verbs/set.js'
import { unset } from './verbs/unset.js'
import { watch } from './verbs/watch.js'

/** All verbs, in the order of the help. */
export const VERBS: readonly Verb[] = [
  ls,
  get,
  set,
  unset,
  watch,
  history,
  revert,
  diff,
  exportVerb,
  importVerb,
  check,
  replicas,
  doctor,
  console,
  completion,
]
