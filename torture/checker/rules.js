// @ts-check
/** @import { History, Operation, Violation } from '../types.js' */

/** @param {string} rule @param {string} text @param {readonly Operation[]} [operations] @returns {Violation} */
const violation = (rule, text, operations = []) => ({ rule, text, operations })

/** @param {unknown} value */
const shown = value => (value === undefined ? 'nothing' : JSON.stringify(value))

/** Who may have written a value. @param {History} history */
function writers({ operations }) {
  /** @type {Map<unknown, Operation>} */
  const found = new Map()
  for (const operation of operations) if (operation.value !== undefined) found.set(operation.value, operation)
  return found
}

/** What is found was written by someone, and not by a write that was said to have had no effect. @param {History} history */
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
      const text = writer ? `${shown(found)} was found, though its write was refused.` : `Nobody wrote ${shown(found)}.`
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
      violations.push(violation('each value is popped once', `${shown(value)} was given twice.`, [before, operation]))
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

/** Memory is one state that the store went through: wherever the version is the same, all of it is. @param {History} history */
export function oneStatePerVersion({ seen }) {
  /** @type {Map<string, import('../types.js').Seen>} */
  const known = new Map()
  const violations = []
  for (const one of seen) {
    const before = known.get(one.version)
    if (before === undefined) known.set(one.version, one)
    else if (before.digest !== one.digest) {
      const text = `${one.session} and ${before.session} held version ${one.version} with other contents.`
      violations.push(violation('one version, one state', text))
    }
  }
  return violations
}

/** Memory never comes back to a state that it left, unless it says that the store did. @param {History} history */
export function neverBack(history) {
  const violations = []
  const told = divergences(history)
  for (const [session, states] of grouped(history.seen)) {
    /** @type {Map<string, number>} when each version was last held */
    const held = new Map()
    let current = ''
    for (const { version, at } of states) {
      const before = held.get(version)
      if (version !== current && before !== undefined && !told(session, before, at)) {
        violations.push(violation('memory never goes back', `${session} came back to version ${version}.`))
      }
      held.set(version, at)
      current = version
    }
  }
  return violations
}

/**
 * What one writer writes to a key of its own is seen in the order of its writing. (Values are number|writer; those in doubt
 * may be late.)
 * @param {History} history
 */
export function monotonicReads(history) {
  const written = writers(history)
  const told = divergences(history)
  const violations = []
  for (const [session, reads] of grouped(history.locals)) {
    /** @type {Map<string, import('../types.js').LocalRead>} */
    const latest = new Map()
    for (const read of reads) {
      if (!read.key.startsWith('mono:')) continue
      if (read.value !== undefined && written.get(read.value)?.outcome !== 'done') continue
      const before = latest.get(read.key)
      const isBack = before !== undefined && numberOf(read.value) < numberOf(before.value)
      if (isBack && !told(session, before.at, read.at)) {
        const text = `${session} saw ${shown(before.value)}, then ${shown(read.value)} of ${read.key}.`
        violations.push(violation('reads of memory are monotonic', text))
      }
      latest.set(read.key, read)
    }
  }
  return violations
}

/** @param {string | undefined} value */
const numberOf = value => (value === undefined ? -1 : Number.parseInt(value, 10))

/** Counters count what was acknowledged since the last loss, and what is in doubt at most. @param {History} history */
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

/** Every surviving replica holds what the store holds. @param {History} history */
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

/** Whoever holds what the store lost says that it diverged. @param {History} history */
export function divergenceTold(history) {
  const { losses, finals, opened } = history
  const violations = []
  const states = grouped(history.seen)
  const told = divergences(history)
  for (const { kind, keys, begin, survived } of losses) {
    if (keys !== undefined || survived === undefined) continue
    for (const { session } of finals) {
      const held = (states.get(session) ?? []).filter(({ at }) => at < begin).at(-1)
      if (!held || (opened[session] ?? 0) >= begin || Number.parseInt(held.version, 10) <= survived) continue
      if (told(session, begin, Number.POSITIVE_INFINITY)) continue
      violations.push(violation('divergence is told', `${session} followed a ${kind} without saying so.`))
    }
  }
  return violations
}

/** No process crashed or met an error that no call may give. @param {History} history */
export function noFaults({ faults }) {
  return faults.map(text => violation('no crash, no stray error', text))
}

/**
 * Whether a session said within a time that it diverged. After a rollback it may only say that it loaded everything: where the
 * log no longer reaches back, no one can tell the one from the other.
 * @param {History} history @returns {(session: string, from: number, to: number) => boolean}
 */
function divergences({ syncs, losses }) {
  const rollbacks = losses.filter(({ survived = 0 }) => survived > 0)
  const told = grouped(
    syncs.filter(
      ({ reason, at }) => reason === 'diverged' || (reason === 'loaded' && rollbacks.some(({ begin }) => begin < at)),
    ),
  )
  return (session, from, to) => (told.get(session) ?? []).some(({ at }) => at >= from && at <= to)
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
