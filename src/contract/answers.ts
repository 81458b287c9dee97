import type { CatchUp, Change, Committed, Effect, Version } from './backend.js'

/** @throws TypeError unless it can tell states apart: an object is another at each call, and nothing is always the same. */
export function checkVersion(version: unknown, call = 'lastUpdated()'): Version {
  if (typeof version === 'string' || typeof version === 'bigint') return version
  if (typeof version === 'number' && !Number.isNaN(version)) return version
  throw new TypeError(
    `${call} of the backend must give a string, a number or a bigint that differs whenever anything changed; ` +
      `got ${Number.isNaN(version) ? 'NaN' : typeName(version)}.`,
  )
}

/** The longest staleness bound, in ms: a day. A write `{ everywhere: true }` waits for the longest one that is recorded. */
export const MAX_BOUND = 86_400_000

/** The recorded bound, in ms; nothing where it is damaged. */
export function readBound(bound: unknown): number | undefined {
  return typeof bound === 'number' && bound >= 0 && bound <= MAX_BOUND ? bound : undefined
}

/** @throws TypeError unless it is an answer to the question what happened since a version. */
export function checkCatchUp(answer: CatchUp<unknown>): CatchUp<unknown> {
  const type = (answer as Partial<CatchUp<unknown>> | null | undefined)?.type
  if (type !== 'changes' && type !== 'state' && type !== 'tooOld') throw wrongCatchUp(`the type ${typeName(type)}`)
  const { asOf } = answer
  if (asOf !== undefined && !Number.isFinite(asOf)) throw wrongCatchUp('an asOf that is no finite number')
  if (answer.type !== 'tooOld') checkVersion(answer.version, 'The version of an answer')
  if (answer.type === 'state') checkPairs(answer.entries)
  if (answer.type === 'changes') {
    if (!Array.isArray(answer.changes)) throw wrongCatchUp(`changes of type ${typeName(answer.changes)}`)
    for (const change of answer.changes) if (!isChange(change)) throw wrongCatchUp('a change that is none')
  }
  return answer
}

/** Whether a change that a backend pushes is one. */
export function isChange(change: Change<unknown>): boolean {
  const { version, previous, effects } = (change ?? {}) as Partial<Change<unknown>>
  if (version === undefined || previous === undefined || !Array.isArray(effects)) return false
  return effects.every(isEffect)
}

function isEffect(effect: Effect<unknown>): boolean {
  if (effect?.type === 'clear') return true
  if (effect?.type !== 'set' && effect?.type !== 'delete') return false
  return typeof effect.key === 'string' && (effect.type === 'delete' || effect.stored !== undefined)
}

/** @throws TypeError unless there is an outcome for each of the groups, and what leads up to the state after them. */
export function checkCommitted(answer: Committed<unknown>, groups: number): Committed<unknown> {
  const outcomes: unknown = answer?.outcomes
  const isOutcome = (outcome: unknown) =>
    ['done', 'conflict', 'refused'].includes((outcome as { status?: string } | undefined)?.status ?? '')
  if (!Array.isArray(outcomes) || outcomes.length !== groups || !outcomes.every(isOutcome)) {
    throw new TypeError('commit() of the backend must give one outcome for each group, in order.')
  }
  checkCatchUp(answer.catchUp)
  return answer
}

function wrongCatchUp(got: string): TypeError {
  return new TypeError(
    `changesSince() or commit() of the backend must give changes, a state, or { type: 'tooOld' }; got ${got}.`,
  )
}

/** @throws TypeError unless it can be iterated. */
export function checkPairs(pairs: unknown): void {
  const iterable =
    typeof pairs === 'object' && pairs !== null && (Symbol.iterator in pairs || Symbol.asyncIterator in pairs)
  if (!iterable) {
    throw new TypeError(`durables() of the backend must give an iterable of [key, stored]; got ${typeName(pairs)}.`)
  }
}

/** @throws TypeError unless it is a pair of a string and something. */
export function checkPair(pair: readonly [string, unknown]): [string, unknown] {
  const [key, stored] = Array.isArray(pair) ? (pair as readonly unknown[]) : []
  if (typeof key === 'string' && stored !== undefined) return [key, stored]
  throw new TypeError(
    `durables() of the backend must give pairs of a key, which is a string, and what is stored; got one of ` +
      `${typeName(key)} and ${typeName(stored)}.`,
  )
}

function typeName(value: unknown): string {
  return value === null ? 'null' : Array.isArray(value) ? 'an array' : typeof value
}
