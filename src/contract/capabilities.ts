import { MAX_BOUND } from './answers.js'
import type { Backend, Supports } from './backend.js'

const REQUIRED = ['persist', 'depersist', 'durables', 'lastUpdated'] as const
const OPTIONAL = [
  'commit',
  'changesSince',
  'load',
  'subscribe',
  'pop',
  'setDefault',
  'registerMaxStaleness',
  'history',
] as const

/** The methods of the capability `presence`. */
const PRESENCE = ['register', 'leave', 'replicas', 'acknowledge', 'awaitAcknowledgements'] as const

/** The capabilities of a backend, each decided. */
export type Capabilities = { readonly [C in keyof Supports]-?: boolean }

/**
 * Returns a backend's capabilities: what it declares in `supports`, else whether it has the method.
 *
 * @throws TypeError if one of the four methods is missing, or a capability is declared without its method.
 */
export function capabilities(backend: Backend<unknown>): Capabilities {
  if (typeof backend !== 'object' || backend === null) {
    throw new TypeError(`A backend must be an object with the methods ${REQUIRED.join(', ')}; got ${typeof backend}.`)
  }
  const missing = REQUIRED.filter(method => typeof backend[method] !== 'function')
  if (missing.length > 0) {
    throw new TypeError(`The backend lacks the method ${missing.join(', ')}; it needs ${REQUIRED.join(', ')}.`)
  }
  checkPollEvery(backend.pollEvery)
  const found = OPTIONAL.map(method => [method, supported(backend, method)])
  const supports = Object.fromEntries(found) as Capabilities
  // Only commit() returns the recorded bound.
  const linearizable = backend.supports?.linearizable ?? true
  const { commit, history } = supports
  const registerMaxStaleness = supports.registerMaxStaleness && commit
  const presence = hasPresence(backend) && registerMaxStaleness
  return { ...supports, linearizable, history: history && commit, registerMaxStaleness, presence }
}

/** With NaN, a timer would fire continuously. */
function checkPollEvery(ms: unknown): void {
  if (ms === undefined || (typeof ms === 'number' && ms >= 1 && ms <= MAX_BOUND)) return
  throw new TypeError(`pollEvery of the backend must be a number of milliseconds from 1 to ${MAX_BOUND}.`)
}

function hasPresence(backend: Backend<unknown>): boolean {
  const lacking = PRESENCE.filter(method => typeof backend[method] !== 'function')
  const declared = backend.supports?.presence ?? lacking.length === 0
  if (declared && lacking.length > 0) {
    throw new TypeError(`The backend declares supports.presence, but lacks the method ${lacking.join(', ')}.`)
  }
  return declared
}

function supported(backend: Backend<unknown>, method: (typeof OPTIONAL)[number]): boolean {
  const present = typeof backend[method] === 'function'
  const declared = backend.supports?.[method] ?? present
  if (declared && !present) throw new TypeError(`The backend declares supports.${method}, but has no such method.`)
  return declared
}
