// @ts-check
/** @import { History, LocalRead, Operation, Violation } from '../types.js' */

/** @param {string} rule @param {string} text @param {readonly Operation[]} [operations] @returns {Violation} */
const violation = (rule, text, operations = []) => ({ rule, text, operations })

/** @param {unknown} value */
const shown = value => (value === undefined ? 'nothing' : JSON.stringify(value))

/** The possible writers of a value. @param {History} history */
function writers({ operations }) {
  /** @type {Map<unknown, Operation>} */
  const found = new Map()
  for (const operation of operations) if (operation.value !== undefined) found.set(operation.value, operation)
  return found
}

/** Every value that was found was written, and not by a write that rejected without an effect. @param {History} history */
export function noInvention(history) {
  const written = writers(history)
  const restored = new Set(history.losses.flatMap(({ entries }) => Object.values(entries)))
  const violations = []
  for (const operation of history.operations) {
    const { kind, outcome, result, expected } = operation
    const found = kind === 'transact' ? expected : kind === 'delete' ? undefined : result
    if (outcome !== 'done' || found === undefined || restored.has(String(found))) continue
    const writer = written.get(found)
    if (writer === undefined || writer.outcome === 'none') {
      const text = writer
        ? `${shown(found)} was found, although its write was rejected.`
        : `Nobody wrote ${shown(found)}.`
      violations.push(
        violation('nothing is there that was not written', text, writer ? [writer, operation] : [operation]),
      )
    }
  }
  return violations
}

/** A value is popped by one caller, unless a store that lost data had it again. @param {History} history */
export function popsOnce({ operations, losses }) {
  const restored = new Set(losses.flatMap(({ entries }) => Object.values(entries)))
  /** @type {Map<string, Operation>} */
  const popped = new Map()
  const violations = []
  for (const operation of operations) {
    if (operation.kind !== 'pop' || operation.outcome !== 'done' || operation.result === undefined) continue
    const value = String(operation.result)
    const before = popped.get(value)
    if (before && !restored.has(value)) {
      violations.push(
        violation('each value is popped once', `${shown(value)} was returned twice.`, [before, operation]),
      )
    }
    popped.set(value, operation)
  }
  return violations
}

/** Pairs that are written together are seen together. @param {History} history */
export function wholePairs({ pairs, operations }) {
  return pairs
    .filter(({ left, right }) => left !== right)
    .map(({ session, key, view, left, right, at }) => {
      const parts = operations.filter(({ value }) => value !== undefined && (value === left || value === right))
      const text = `${session} saw half of an update of ${key} by ${view} at ${at.toFixed(1)}: ${shown(left)} and ${shown(right)}.`
      return violation('what is written together is seen together', text, parts)
    })
}

/** Memory is one state of the store: replicas with the same version have the same entries. @param {History} history */
export function oneStatePerVersion({ seen }) {
  /** @type {Map<string, import('../types.js').Seen>} */
  const byVersion = new Map()
  const violations = []
  for (const one of seen) {
    const before = byVersion.get(one.version)
    if (before === undefined) byVersion.set(one.version, one)
    else if (before.digest !== one.digest) {
      const text = `${one.session} and ${before.session} had version ${one.version} with different entries.`
      violations.push(violation('one version, one state', text))
    }
  }
  return violations
}

/** Memory never returns to an earlier state, unless it reports that the store did. @param {History} history */
export function neverBack(history) {
  const violations = []
  const reported = divergences(history)
  for (const [session, states] of grouped(history.seen)) {
    /** @type {Map<string, number>} when each version was last in memory */
    const held = new Map()
    let current = ''
    for (const { version, at } of states) {
      const before = held.get(version)
      if (version !== current && before !== undefined && !reported(session, before, at)) {
        violations.push(violation('memory never goes back', `${session} returned to version ${version}.`))
      }
      held.set(version, at)
      current = version
    }
  }
  return violations
}

/**
 * Writes of one writer to its own key are seen in order. (Values are number|writer; those in doubt may be late.)
 * @param {History} history
 */
export function monotonicReads(history) {
  const written = writers(history)
  const reported = divergences(history)
  const violations = []
  for (const [session, reads] of grouped(history.locals)) {
    /** @type {Map<string, LocalRead[]>} */
    const earlier = new Map()
    for (const read of reads) {
      if (!read.key.startsWith('mono:')) continue
      if (read.value !== undefined && written.get(read.value)?.outcome !== 'done') continue
      const own = earlier.get(read.key) ?? []
      earlier.set(read.key, own)
      const before = own.findLast(({ at }) => at <= (read.begin ?? read.at))
      const isBack = before !== undefined && numberOf(read.value) < numberOf(before.value)
      if (isBack && !reported(session, before.at, read.at)) {
        const text = `${session} saw ${shown(before.value)}, then ${shown(read.value)} of ${read.key}.`
        violations.push(violation('reads of memory are monotonic', text))
      }
      own.push(read)
    }
  }
  return violations
}

/**
 * A session sees its own acknowledged writes, unless the store lost them, or an earlier one of its own that was in doubt took effect late.
 * @param {History} history
 */
export function readYourWrites(history) {
  const { locals, operations, losses } = history
  const violations = []
  const writer = writers(history)
  const written = grouped(operations.map(one => ({ ...one, at: one.end })).filter(isOwnMark))
  for (const [session, reads] of grouped(locals)) {
    const own = written.get(session) ?? []
    for (const read of reads) {
      if (read.key !== `mono:${session}`) continue
      const write = own.findLast(({ at }) => at <= (read.begin ?? read.at))
      if (!write || numberOf(read.value) >= numberOf(write.value)) continue
      if (read.value !== undefined && writer.get(read.value)?.outcome === 'unknown') continue
      if (losses.some(({ keys, end }) => keys === undefined && end >= write.begin)) continue
      const text = `${session} read ${shown(read.value)} after it had written ${shown(write.value)}.`
      violations.push(violation('a session reads its own writes', text, [write]))
    }
  }
  return violations
}

/** @param {Operation} operation */
const isOwnMark = ({ kind, key, session, outcome }) => kind === 'set' && outcome === 'done' && key === `mono:${session}`

/** @param {string | undefined} value */
const numberOf = value => (value === undefined ? -1 : Number.parseInt(value, 10))

/** Counters count what was acknowledged since the last loss, and at most what is in doubt. @param {History} history */
export function counters({ operations, losses, store }) {
  if (!store) return []
  const violations = []
  const counts = operations.filter(({ kind }) => kind === 'transact')
  for (const key of new Set(counts.map(one => one.key))) {
    const own = counts.filter(one => one.key === key)
    const loss = losses.filter(({ keys }) => keys === undefined || keys.includes(key)).at(-1)
    const start = loss ? numberOf(loss.entries[key] ?? '0') : 0
    const surely = own.filter(one => one.outcome === 'done' && one.begin >= (loss?.end ?? 0)).length
    const perhaps = own.filter(one => one.outcome !== 'none' && one.end >= (loss?.begin ?? 0)).length
    const count = numberOf(store.entries[key] ?? '0')
    if (count < start + surely || count > start + perhaps) {
      const text = `${key} is ${count}; it should be from ${start + surely} to ${start + perhaps}.`
      violations.push(violation('a counter counts each increment once', text))
    }
  }
  return violations
}

/** Every surviving replica equals the store. @param {History} history */
export function allAgree({ finals, store }) {
  if (!store) return []
  return finals.flatMap(({ session, entries }) => {
    const keys = new Set([...Object.keys(entries), ...Object.keys(store.entries)])
    const other = [...keys].filter(key => entries[key] !== store.entries[key])
    if (other.length === 0) return []
    const [key = ''] = other
    const text =
      `${session} differs from the store in ${other.length} of ${keys.size} keys: ` +
      `${key} is ${shown(entries[key])} in memory, ${shown(store.entries[key])} in the store.`
    return [violation('every replica equals the store', text)]
  })
}

/**
 * Every replica that has data the store lost reports a divergence, after it was last seen with them: a report between that and the
 * loss is of an earlier one, and nobody has seen what memory had since.
 * @param {History} history
 */
export function divergenceTold(history) {
  const { losses, finals, opened } = history
  const violations = []
  const states = grouped(history.held)
  const reported = divergences(history)
  for (const { kind, keys, begin, survived } of losses) {
    if (keys !== undefined || survived === undefined) continue
    for (const { session } of finals) {
      const held = (states.get(session) ?? []).findLast(({ at }) => at < begin)
      if (!held || (opened[session] ?? 0) >= begin) continue
      // What was last known has no number: that session did not follow the store yet.
      if (!(Number.parseInt(held.version, 10) > survived)) continue
      if (reported(session, held.at, Number.POSITIVE_INFINITY)) continue
      const text = `${session} held version ${held.version} and followed a ${kind} to number ${survived} without reporting it.`
      violations.push(violation('divergence is reported', text))
    }
  }
  return violations
}

/** No process crashed or had an unexpected error. @param {History} history */
export function noFaults({ faults }) {
  return faults.map(text => violation('no crash, no stray error', text))
}

/** A watcher gets every change of its memory once, in order. @param {History} history */
export function watchedOnce({ watched }) {
  return watched.map(text => violation('watch() yields every change once, in order', text))
}

/** After each kind of fault every session works within its bound. @param {History} history */
export function recoversInTime({ recoveries }) {
  return recoveries
    .filter(({ ms, bound }) => ms > bound)
    .map(({ kind, ms, bound }) => {
      const text = `After "${kind}" it took ${Math.round(ms)} ms until every session worked; the bound is ${bound}.`
      return violation('every session recovers in time', text)
    })
}

/**
 * Whether a session reported a divergence within a time. After a rollback it may only report that it loaded everything:
 * if the log does not go back far enough, the two cannot be distinguished.
 * @param {History} history @returns {(session: string, from: number, to: number) => boolean}
 */
function divergences({ syncs, losses }) {
  const rollbacks = losses.filter(({ survived = 0 }) => survived > 0)
  const reported = grouped(
    syncs.filter(
      ({ reason, at }) => reason === 'diverged' || (reason === 'loaded' && rollbacks.some(({ begin }) => begin < at)),
    ),
  )
  return (session, from, to) => (reported.get(session) ?? []).some(({ at }) => at >= from && at <= to)
}

/** @template {{ session: string, at: number }} V @param {readonly V[]} all @returns {Map<string, V[]>} */
function grouped(all) {
  /** @type {Map<string, V[]>} */
  const groups = new Map()
  for (const one of [...all].sort((left, right) => left.at - right.at)) {
    const own = groups.get(one.session)
    if (own) own.push(one)
    else groups.set(one.session, [one])
  }
  return groups
}
