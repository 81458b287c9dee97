// @ts-check
import { Violation } from './outcomes.js'
import { SECRET } from './spoil.js'

/** How many runs want silence, and who listened before. */
let silent = 0
/** @type {Function[]} */
let listeners = []

/** Collects what no caller sees: the library's warnings are expected; others, and rejections that nobody handles, are not. */
export function silence() {
  silent += 1
  if (silent === 1) listeners = process.listeners('warning')
  if (silent === 1) process.removeAllListeners('warning')
  /** @type {string[]} */
  const faults = []
  const onRejection = (/** @type {any} */ reason) => {
    faults.push(`Nobody handles this rejection: ${reason?.stack ?? reason}`)
  }
  const onWarning = (/** @type {Error} */ { name, message, stack }) => {
    if (!EXPECTED.has(name)) faults.push(`Node.js warns: ${stack}`)
    if (message.includes(SECRET)) faults.push(`A warning contains what was stored: ${message}`)
  }
  process.on('unhandledRejection', onRejection)
  process.on('warning', onWarning)
  return {
    check() {
      const [first] = faults.splice(0)
      if (first) throw new Violation(first)
    },
    async end() {
      // The latest warnings come in the next turn.
      await new Promise(resolve => setImmediate(resolve))
      process.off('unhandledRejection', onRejection)
      process.off('warning', onWarning)
      silent -= 1
      if (silent === 0) for (const listener of listeners) process.on('warning', /** @type {any} */ (listener))
    },
  }
}

/** An engine of SQLite is experimental in some versions of Node.js. A warning may be an error that a listener threw. */
const EXPECTED = new Set(['DurableDictWarning', 'ExperimentalWarning'])
