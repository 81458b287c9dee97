// @ts-check
/** @import { Guarded } from './guarded.js' */
/** @import { ServerSpec } from './types.js' */
import { setTimeout as delay } from 'node:timers/promises'
import { accepts } from './port.js'

const READY_WITHIN = 120_000
const ASK_EVERY = 25

/** Resolves once the output matches. @param {Guarded} process @param {RegExp} pattern */
function printed(process, pattern) {
  return new Promise(resolve => {
    process.on('output', () => {
      if (pattern.test(process.output)) resolve(undefined)
    })
  })
}

/**
 * Resolves once the server responds.
 * @param {number} port @param {AbortSignal} signal @param {(port: number) => Promise<boolean>} answers
 */
async function answered(port, signal, answers) {
  while (!(await answers(port).catch(() => false))) await delay(ASK_EVERY, undefined, { signal })
}

/**
 * Resolves once the server is ready: it has printed so if it ever does, and accepts connections or responds. Rejects if
 * it ends first or takes too long.
 * @param {Guarded} process @param {number} port @param {Pick<ServerSpec, 'ready' | 'answers'>} [spec]
 */
export async function untilReady(process, port, { ready: pattern, answers = accepts } = {}) {
  const giveUp = new AbortController()
  const late = delay(READY_WITHIN, `not ready within ${READY_WITHIN / 1000} s`, { signal: giveUp.signal })
  const ready = (pattern === undefined ? Promise.resolve() : printed(process, pattern)).then(() =>
    answered(port, giveUp.signal, answers),
  )
  try {
    const fault = await Promise.race([ready, process.ended, late])
    if (fault !== undefined) throw new Error(fault)
  } finally {
    giveUp.abort()
    for (const rest of [ready, late]) rest.catch(() => {})
  }
}
