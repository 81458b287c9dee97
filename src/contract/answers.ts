import type { CatchUp, Change, Committed, Effect, Version } from './backend.js'
import { type CommitNote, type HistoryPage, isMoment, type StoredCommit } from './history.js'
import type { Registered, Registration, Registry } from './presence.js'

/** @throws TypeError if the version cannot identify a state: objects differ at each call, and `undefined` is always the same. */
export function checkVersion(version: unknown, call = 'lastUpdated()'): Version {
  if (typeof version === 'string' || typeof version === 'bigint') return version
  if (typeof version === 'number' && !Number.isNaN(version)) return version
  throw new TypeError(
    `${call} of the backend must return a string, a number or a bigint that differs whenever anything changed; ` +
      `got ${Number.isNaN(version) ? 'NaN' : typeName(version)}.`,
  )
}

/** The longest staleness bound, in ms: one day. A write `{ everywhere: true }` waits for the longest recorded bound. */
export const MAX_BOUND = 86_400_000

/** The recorded bound, in ms; `undefined` if it is damaged. */
export function readBound(bound: unknown): number | undefined {
  return typeof bound === 'number' && bound >= 0 && bound <= MAX_BOUND ? bound : undefined
}

/** @throws TypeError if it is not a valid answer of `changesSince` or `commit`. */
export function checkCatchUp(answer: CatchUp<unknown>): CatchUp<unknown> {
  const type = (answer as Partial<CatchUp<unknown>> | null | undefined)?.type
  if (type !== 'changes' && type !== 'state' && type !== 'tooOld') throw wrongCatchUp(`the type ${typeName(type)}`)
  const { asOf } = answer
  if (asOf !== undefined && !Number.isFinite(asOf)) throw wrongCatchUp('an asOf that is not a finite number')
  if (answer.type !== 'tooOld') checkVersion(answer.version, 'The version of an answer')
  if (answer.type === 'state') checkPairs(answer.entries)
  if (answer.type === 'changes') {
    if (!Array.isArray(answer.changes)) throw wrongCatchUp(`changes of type ${typeName(answer.changes)}`)
    for (const change of answer.changes) if (!isChange(change)) throw wrongCatchUp('an invalid change')
  }
  return answer
}

/** Whether a value that a backend pushed is a valid change. */
export function isChange(change: Change<unknown>): boolean {
  const { version, previous, effects } = (change ?? {}) as Partial<Change<unknown>>
  if (version === undefined || previous === undefined || !Array.isArray(effects)) return false
  return effects.every(isEffect) && (change.notes === undefined || areNotes(change.notes))
}

function areNotes(notes: unknown): boolean {
  return Array.isArray(notes) && notes.every(isNote)
}

function isNote(note: unknown): boolean {
  const { effects, by, reason, via } = (note ?? {}) as Partial<Record<keyof CommitNote, unknown>>
  if (!Number.isSafeInteger(effects) || (effects as number) < 0) return false
  return [by, reason, via].every(text => text === undefined || typeof text === 'string')
}

function isEffect(effect: Effect<unknown>): boolean {
  if (effect?.type === 'clear') return true
  if (effect?.type !== 'set' && effect?.type !== 'delete') return false
  return typeof effect.key === 'string' && (effect.type === 'delete' || effect.stored !== undefined)
}

/** @throws TypeError if there is not one outcome for each group, or the catch-up is invalid. */
export function checkCommitted(answer: Committed<unknown>, groups: number): Committed<unknown> {
  const outcomes: unknown = answer?.outcomes
  const isOutcome = (outcome: unknown) =>
    ['done', 'conflict', 'refused'].includes((outcome as { status?: string } | undefined)?.status ?? '')
  if (!Array.isArray(outcomes) || outcomes.length !== groups || !outcomes.every(isOutcome)) {
    throw new TypeError('commit() of the backend must return one outcome for each group, in order.')
  }
  checkCatchUp(answer.catchUp)
  return answer
}

function wrongCatchUp(got: string): TypeError {
  return new TypeError(
    `changesSince() or commit() of the backend must return changes, a state, or { type: 'tooOld' }; got ${got}.`,
  )
}

/** @throws TypeError if it is not iterable. */
export function checkPairs(pairs: unknown): void {
  const iterable =
    typeof pairs === 'object' && pairs !== null && (Symbol.iterator in pairs || Symbol.asyncIterator in pairs)
  if (!iterable) {
    throw new TypeError(`durables() of the backend must return an iterable of [key, stored]; got ${typeName(pairs)}.`)
  }
}

/** @throws TypeError if it is not a pair of a string and a stored form. */
export function checkPair(pair: readonly [string, unknown]): [string, unknown] {
  const [key, stored] = Array.isArray(pair) ? (pair as readonly unknown[]) : []
  if (typeof key === 'string' && stored !== undefined) return [key, stored]
  throw new TypeError(
    `durables() of the backend must return pairs of a string key and a stored form; got one of ` +
      `${typeName(key)} and ${typeName(stored)}.`,
  )
}

function typeName(value: unknown): string {
  return value === null ? 'null' : Array.isArray(value) ? 'an array' : typeof value
}

/** @throws TypeError unless it is a page of a history. */
export function checkHistoryPage(page: HistoryPage<unknown> | undefined): HistoryPage<unknown> {
  const { commits, floor, dropped } = (page ?? {}) as Partial<HistoryPage<unknown>>
  const isPage = Array.isArray(commits) && commits.every(isCommit) && Number.isSafeInteger(floor)
  if (page && isPage && dropped && Symbol.iterator in dropped) return page
  throw new TypeError(
    'history() of the backend must return { commits, floor, dropped }, with an id, a position and changes for each commit.',
  )
}

function isCommit(commit: unknown): boolean {
  const { id, position, version, at, changes } = (commit ?? {}) as Partial<StoredCommit<unknown>>
  if (typeof id !== 'string' || !Number.isSafeInteger(position) || version === undefined) return false
  return isMoment(at) && Array.isArray(changes) && changes.every(({ key }) => typeof key === 'string')
}

/** The registry of a commit; `undefined` if it is not valid: the writer then waits for the recorded bound. */
export function readRegistry(registry: Registry | undefined): Registry | undefined {
  const { replicas, unregistered } = (registry ?? {}) as Partial<Registry>
  if (!Array.isArray(replicas) || !replicas.every(isRegistered)) return undefined
  return readBound(unregistered) === undefined ? undefined : registry
}

/** @throws TypeError unless it is a registry. */
export function checkRegistry(registry: Registry | undefined): Registry {
  const valid = readRegistry(registry)
  if (valid) return valid
  throw new TypeError(
    'replicas() of the backend must return { replicas, unregistered }, with an id, a host, a pid, the version of the library, live ' +
      'and seenAgo for each replica.',
  )
}

function isRegistered(record: unknown): boolean {
  const { id, host, pid, service, library, bound, live, seenAgo } = (record ?? {}) as Partial<Registered>
  if (typeof id !== 'string' || typeof host !== 'string' || typeof library !== 'string') return false
  if (!Number.isSafeInteger(pid) || typeof live !== 'boolean' || !Number.isFinite(seenAgo)) return false
  return (
    (service === undefined || typeof service === 'string') && (bound === undefined || readBound(bound) !== undefined)
  )
}

/** What a registration says; nothing if it is not valid. */
export function readRegistration(registration: Registration | undefined): Registration {
  const { version, bound, renewed } = (registration ?? {}) as Partial<Registration>
  return {
    ...(version !== undefined && { version }),
    ...(readBound(bound) !== undefined && { bound }),
    ...(typeof renewed === 'boolean' && { renewed }),
  }
}
